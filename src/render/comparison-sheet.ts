import type { ComparedCell, Comparison } from '../comparison.ts'
import type { ClassScore } from '../explanation.ts'
import { heldText, percentText } from './class-text.ts'
import type { CaptionLine, Sheet, SheetCell, SheetRow } from './sheet.ts'

/** What a comparison's sheet says: methods as rows; photo, base map and every SESS map as columns. */
export function comparisonSheet(comparison: Comparison, title?: string): Sheet {
  const { photo, model, target, against, cells, forwards, seconds } = comparison
  const names = [...new Set(cells.map(({ method }) => method))]
  const methods = names.map((name) => cells.filter(({ method }) => method === name))
  const first = methods[0] ?? []
  const varies = variations(first)
  const size = `${photo.width} × ${photo.height} pixels`
  return {
    title: {
      text: `${title === undefined ? '' : `${title}: `}${[nameOf(target), ...against.map(heldText)].join(' ')}`,
      tail: `${target.label === undefined ? '' : ` (${target.index})`}, ${percentText(target.probability)}`,
    },
    subtitle: { text: model, tail: `, ${size}; ${forwards} forward passes in ${shownSeconds(seconds)}` },
    columns: ['Photo', ...first.map((cell) => headingOf(cell, varies))],
    rows: methods.map(
      (row): SheetRow => ({
        title: row[0]?.title ?? '',
        details: detailsOf(row, varies),
        cells: [
          { map: undefined, caption: [scoreOf(target, target.probability)] },
          ...row.map((cell) => shown(cell, target)),
        ],
      }),
    ),
  }
}

/** In what the SESS maps of a method differ. */
interface Variations {
  readonly step: boolean
  readonly fusion: boolean
}

function variations(row: readonly ComparedCell[]): Variations {
  const sess = row.filter((cell) => cell.kind === 'sess')
  return {
    step: new Set(sess.map(({ step }) => step.join())).size > 1,
    fusion: new Set(sess.map(({ fusion }) => fusion)).size > 1,
  }
}

function headingOf(cell: ComparedCell, varies: Variations): string {
  if (cell.kind === 'base') return 'Base'
  return ['SESS', varies.step && stepText(cell.step), varies.fusion && cell.fusion].filter(Boolean).join(', ')
}

function stepText([y, x]: readonly [number, number]): string {
  return y === x ? `step ${y}` : `step ${y} × ${x}`
}

/** What all SESS maps of a method have in common. */
function detailsOf(row: readonly ComparedCell[], varies: Variations): readonly string[] {
  const sess = row.find((cell) => cell.kind === 'sess')
  if (sess === undefined) return []
  const { scales } = sess.plan
  return [
    ...(sess.layer === undefined ? [] : [`layer ${sess.layer}`]),
    scales.length === 1 ? `scale ${scales[0]}` : `${scales.length} scales, ${scales[0]} to ${scales.at(-1)}`,
    ...(varies.step ? [] : [stepText(sess.step)]),
    ...(varies.fusion || sess.fusion === 'mean' ? [] : [sess.fusion]),
    ...(sess.preFilter > 0 ? [`pre-filter ${sess.preFilter}`] : []),
  ]
}

function shown(cell: ComparedCell, target: ClassScore): SheetCell {
  const { map, topShare, probability, seconds, forwards, headForwards, isMost, plan } = cell
  const passes = `${isMost ? 'up to ' : ''}${forwards} forward ${forwards === 1 ? 'pass' : 'passes'}`
  const energy = topShare === null ? [] : [{ text: `top 10 % of the pixels hold ${percentText(topShare)}` }]
  return {
    map,
    caption: [
      scoreOf(target, probability, cell.kind === 'sess' && plan.windows.length > 1 ? ' in its best window' : ''),
      { text: `${shownSeconds(seconds)}, ${passes}` },
      ...(headForwards > 0 ? [{ text: `${headForwards} of them only behind the layer` }] : []),
      ...energy,
    ],
  }
}

function scoreOf(target: ClassScore, probability: number, where = ''): CaptionLine {
  return { text: nameOf(target), tail: `, ${percentText(probability)}${where}` }
}

function nameOf({ label, index }: ClassScore): string {
  return label ?? `class ${index}`
}

function shownSeconds(seconds: number): string {
  return seconds < 0.1 ? `${(1000 * seconds).toFixed(1)} ms` : `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`
}
