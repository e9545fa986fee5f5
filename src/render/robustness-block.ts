import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Patches } from '../patches.ts'
import { type Block, column, flattened, row, textBlock } from './blocks.ts'
import { chartBlock } from './chart.ts'
import { percentText } from './class-text.ts'
import { colorOf, robustnessCharts } from './robustness-charts.ts'
import { robustnessTable } from './robustness-table.ts'
import type { TextStyle, Typeface } from './text.ts'

const headingStyle: TextStyle = { size: 18, weight: 'bold', color: '#111111' }
const textStyle: TextStyle = { size: 13, weight: 'regular', color: '#333333' }
const nameStyle: TextStyle = { size: 14, weight: 'bold', color: '#111111' }
const gap = 28
/** Charts and tables stand side by side where there is room for this much. */
const leastWidth = 455
const mostWidth = 620
const chartHeight = 260

const explained = [
  'Points are medians, bars go from the lower to the upper quartile. High: a score over half of the best window’s, a weight over 0.5.',
  'At peak: how many of the windows that contain the peak, the highest pixel of the fused map, are high.',
]

/** How scores hold out against scale and occlusion: charts that compare the explanations, and the numbers of each. */
export async function robustnessBlock(typeface: Typeface, patches: readonly Patches[], width: number): Promise<Block> {
  const beside = Math.max(1, Math.min(3, Math.floor((width + gap) / (leastWidth + gap))))
  const each = Math.min(mostWidth, Math.floor((width + gap) / beside) - gap)
  const charts: Block[] = []
  for (const chart of robustnessCharts(patches)) {
    charts.push(await flattened(await chartBlock(typeface, chart, { width: each, height: chartHeight })))
  }
  const tables: Block[] = []
  for (const [i, one] of patches.entries()) {
    await yieldToLoop()
    const head = [named(typeface, one, colorOf(i), each), ...paragraph(typeface, peakText(one), each)]
    await yieldToLoop()
    const table = await robustnessTable(typeface, one.robustness.scales, each)
    tables.push(await flattened(column([...head, table], { gap: 4, align: 'start' })))
  }
  return column(
    [
      textBlock(typeface, 'Robustness to scale and occlusion', headingStyle),
      column(
        explained.map((text) => textBlock(typeface, typeface.shortened(text, textStyle, width), textStyle)),
        { gap: 0, align: 'start' },
      ),
      ...inRows(charts, beside),
      ...inRows(tables, beside),
    ],
    { gap: 16, align: 'start' },
  )
}

function paragraph(typeface: Typeface, text: string, width: number): readonly Block[] {
  return typeface.wrapped(text, textStyle, width, 3).map((line) => textBlock(typeface, line, textStyle))
}

/** Of the best window and of those that contain the peak, in words. */
export function peakText({ robustness: { best, peak, atPeak } }: Pick<Patches, 'robustness'>): string {
  const top = best === null ? 'No window has a finite score.' : `Best window: ${percentText(best.score)}.`
  if (peak === null) return `${top} The map is zero everywhere: it has no peak.`
  const { windows, high, share } = atPeak
  const counted = share === null ? 'none has a finite score' : `${high} of ${windows} high (${percentText(share)})`
  return `${top} Windows with the peak, at ${peak.x}, ${peak.y}: ${counted}.`
}

function named(typeface: Typeface, { model, title }: Patches, color: string, width: number): Block {
  const mark = { width: 14, height: 14, outlines: `<circle fill="${color}" cx="7" cy="7" r="6"/>`, pictures: [] }
  const text = typeface.shortened(`${model}, ${title}`, nameStyle, width - 22)
  return row([mark, textBlock(typeface, text, nameStyle)], { gap: 8, align: 'middle' })
}

function inRows(blocks: readonly Block[], across: number): readonly Block[] {
  return Array.from({ length: Math.ceil(blocks.length / across) }, (_, i) =>
    row(blocks.slice(i * across, (i + 1) * across), { gap, align: 'start' }),
  )
}
