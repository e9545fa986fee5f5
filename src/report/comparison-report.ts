import type { ComparedCell, Comparison } from '../comparison.ts'
import type { Photo } from '../io/photo.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import type { Blocks } from './blocks.ts'
import { contentOf, type ReportOptions } from './content.ts'
import type { Again, ReportMap } from './document.ts'
import { groupOf, optionsGroup, planGroup, targetGroup } from './facts.ts'
import { fileName } from './file-name.ts'
import { coloursOf, gridOf } from './map.ts'
import type { ReportContent } from './page.ts'
import { againOf } from './run-again.ts'
import { windowsOf } from './windows.ts'

export interface SheetReportOptions extends ReportOptions {
  /** The command line that makes the whole again. */
  readonly command?: string | undefined
}

/** A map for each cell of a comparison. */
export async function comparisonReport(
  photo: Photo,
  comparison: Comparison,
  options: SheetReportOptions,
  signal?: AbortSignal,
): Promise<ReportContent> {
  const { target, against, model, cells, forwards, seconds } = comparison
  const run = groupOf('Run', { maps: cells.length, 'forward passes': forwards, seconds: seconds.toFixed(2) })
  const story = {
    explained: explainedText(target, against),
    subtitle: `${percentText(target.probability)}; ${cells.length} maps compared; model ${model}`,
    groups: [targetGroup(target, against, photo, model), run],
    again: wholeAgain(options),
    maps: async (blocks: Blocks) => {
      const maps: ReportMap[] = []
      for (const cell of cells) maps.push(await mapOf(blocks, cell, cells, options))
      return maps
    },
  }
  return await contentOf(photo, story, options, signal)
}

export function wholeAgain({ command }: Pick<SheetReportOptions, 'command'>): Again | undefined {
  return command === undefined ? undefined : { kind: 'command', text: command }
}

async function mapOf(
  blocks: Blocks,
  cell: ComparedCell,
  cells: readonly ComparedCell[],
  { origin, title, ...colours }: SheetReportOptions,
): Promise<ReportMap> {
  const { map, method, layer, plan, forwards, headForwards, isMost, seconds, probability, topShare, options } = cell
  const facts = {
    method: cell.title,
    layer,
    [cell.kind === 'base' ? 'probability' : 'probability in the best window']: percentText(probability),
    'forward passes': `${isMost ? 'up to ' : ''}${forwards}`,
    'of these only behind the layer': headForwards === 0 ? undefined : headForwards,
    seconds: seconds.toPrecision(3),
    'in the top 10 % of the pixels': topShare === null ? undefined : percentText(topShare),
    'windows left out (not finite)': cell.nonfinite.length === 0 ? undefined : cell.nonfinite.length,
  }
  const name = nameOf(cell, cells)
  return {
    kind: 'map',
    name,
    groups: [groupOf('Method', facts), planGroup(plan), optionsGroup(options)],
    ...(await coloursOf(map, colours)),
    grid: await gridOf(blocks, map, cells.length),
    file: fileName(title, method, name),
    windows: await windowsOf(blocks, { plan, windows: cell.windows, fused: undefined }, cells.length),
    again: againOf(options, origin),
  }
}

/** Step and fusion where there are several. */
function nameOf(cell: ComparedCell, cells: readonly ComparedCell[]): string {
  if (cell.kind === 'base') return `${cell.title}, base`
  const sess = cells.filter((one) => one.kind === 'sess')
  const steps = new Set(sess.map(({ step }) => step.join()))
  const fusions = new Set(sess.map(({ fusion }) => fusion))
  const [y, x] = cell.step
  const step = steps.size > 1 ? `, step ${y === x ? y : `${y} × ${x}`}` : ''
  return `${cell.title}, SESS${step}${fusions.size > 1 ? `, ${cell.fusion}` : ''}`
}
