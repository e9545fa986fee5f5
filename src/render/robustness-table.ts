import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Quartiles, ScaleRobustness } from '../metrics/robustness.ts'
import { type Block, boxed, column, row, textBlock } from './blocks.ts'
import type { TextStyle, Typeface } from './text.ts'
import { weightText } from './weight-text.ts'

const headStyle: TextStyle = { size: 12, weight: 'bold', color: '#333333' }
const cellStyle: TextStyle = { size: 12, weight: 'regular', color: '#222222' }

/** Shares of the width. */
const columns = [
  { title: 'Scale', share: 0.11 },
  { title: 'Windows', share: 0.15 },
  { title: 'Score, %', share: 0.28 },
  { title: 'Weight', share: 0.31 },
  { title: 'At peak', share: 0.15 },
] as const

/** A line for each scale: windows, median and quartiles of score and weight, high windows of those with the peak. */
export async function robustnessTable(
  typeface: Typeface,
  scales: readonly ScaleRobustness[],
  width: number,
): Promise<Block> {
  const drawn = [
    line(
      typeface,
      columns.map(({ title }) => title),
      headStyle,
      width,
    ),
  ]
  for (const cells of robustnessCells(scales)) {
    await yieldToLoop() // setting text takes half a millisecond a cell
    drawn.push(line(typeface, cells, cellStyle, width))
  }
  return column(drawn, { gap: 0, align: 'start' })
}

/** What the lines say, column by column. */
export function robustnessCells(scales: readonly ScaleRobustness[]): readonly (readonly string[])[] {
  return scales.map(({ scale, windows, score, weight, atPeak }) => [
    String(scale),
    String(windows),
    spreadText(score, (value) => (100 * value).toFixed(1)),
    spreadText(weight, weightText),
    atPeak.windows === 0 ? '-' : `${atPeak.high} of ${atPeak.windows}`,
  ])
}

function line(typeface: Typeface, cells: readonly string[], style: TextStyle, width: number): Block {
  const blocks = columns.map(({ share }, i) => {
    const room = Math.floor(share * width)
    return boxed(textBlock(typeface, typeface.shortened(cells[i] ?? '', style, room - 6), style), room, 0, 'start')
  })
  return row(blocks, { gap: 0, align: 'start' })
}

/** `median (lower–upper quartile)`. */
function spreadText(quartiles: Quartiles | null, text: (value: number) => string): string {
  return quartiles === null ? 'not finite' : `${text(quartiles.median)} (${text(quartiles.q1)}–${text(quartiles.q3)})`
}
