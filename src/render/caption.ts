import type { Explanation } from '../explanation.ts'
import { methodByName } from '../methods/index.ts'
import { explainedText, percentText } from './class-text.ts'
import { type ColourOptions, overlayDefaults, shownRange } from './overlay.ts'

export type CaptionFacts = Pick<
  Explanation,
  'target' | 'against' | 'method' | 'model' | 'layer' | 'options' | 'windows'
>

/** What a map shows: its maximum, and the values at the quantiles along which lines are drawn. */
export interface MapFacts {
  readonly peak: number
  readonly contours: readonly { readonly quantile: number; readonly value: number }[]
}

/** What is written below a picture. */
export interface Caption {
  readonly title: string
  readonly lines: readonly string[]
}

/** Class and probability, how the map was made, by which model, and how to read it. */
export function overlayCaption(facts: CaptionFacts, map: MapFacts, colours: ColourOptions): Caption {
  const { target, against, model, layer, options } = facts
  const place = options.layer === undefined ? `at the image (${layer})` : `layer ${layer}`
  return {
    title: `${explainedText(target, against)}, ${percentText(target.probability)}`,
    lines: [methodText(facts), `model ${model}, ${place}`, mapText(map, colours)],
  }
}

function methodText({ method, options: { scales, fusion }, windows }: CaptionFacts): string {
  const { title } = methodByName(method)
  if (scales === undefined) return `${title} of the whole photo`
  const seen = `${counted(windows.length, 'window')} of ${counted(scales.length, 'scale')}`
  return `SESS + ${title}, ${seen}${fusion === 'mean' ? '' : `, fusion ${fusion}`}`
}

function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function mapText({ peak, contours }: MapFacts, colours: ColourOptions): string {
  if (!(peak > 0)) return 'The map is zero everywhere: nothing is painted.'
  const [low, high] = shownRange(colours, peak)
  const { alpha = overlayDefaults.alpha, opacity = overlayDefaults.opacity } = colours
  const outside = Math.fround(peak) > Math.fround(high) ? ', above the range' : peak < low ? ', below the range' : ''
  const lines = contours.map(({ quantile, value }) => `${quantile} (${valueText(value)})`)
  return [
    `maximum ${valueText(peak)}${outside}`,
    opacity === 'by-value' ? `opacity by value, up to ${alpha}` : `opacity ${alpha}`,
    ...(lines.length === 0
      ? []
      : [`lines at the ${lines.length === 1 ? 'quantile' : 'quantiles'} ${lines.join(', ')}`]),
  ].join('; ')
}

function valueText(value: number): string {
  return String(Number(value.toPrecision(3)))
}
