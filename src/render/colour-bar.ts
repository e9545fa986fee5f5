import sharp from 'sharp'
import { type Block, column, pictureBlock } from './blocks.ts'
import { type ColormapName, colormapTable } from './colormaps.ts'
import type { TextStyle, Typeface } from './text.ts'

export interface ColourBarOptions {
  readonly colormap: ColormapName
  /** Values at the left and the right end. */
  readonly range: readonly [low: number, high: number]
  /** Pixels. */
  readonly width: number
  readonly text: TextStyle
}

const barHeight = 10
const tickHeight = 4
const lineColor = '#8a8a8a'

/** The colours from left to right, with the values at both ends and in the middle. */
export async function colourBar(
  typeface: Typeface,
  { colormap, range, width, text }: ColourBarOptions,
): Promise<Block> {
  const table = colormapTable(colormap)
  const pixels = new Uint8Array(width * barHeight * 3)
  for (let x = 0; x < width; x++) {
    const entry = Math.round((255 * x) / Math.max(1, width - 1))
    for (let y = 0; y < barHeight; y++) pixels.set(table.subarray(3 * entry, 3 * entry + 3), 3 * (y * width + x))
  }
  const png = await sharp(pixels, { raw: { width, height: barHeight, channels: 3 } })
    .png()
    .toBuffer()
  const [low, high] = range
  return column([pictureBlock(png, width, barHeight), scale(typeface, [low, (low + high) / 2, high], width, text)], {
    gap: 0,
    align: 'start',
  })
}

/** A tick for each value at equal distances, and the value below it, within the width. */
function scale(typeface: Typeface, values: readonly number[], width: number, text: TextStyle): Block {
  const baseline = tickHeight + 1 + text.size
  // Three digits that count, of the largest value as it is shown
  const largest = Number(Math.max(...values.map(Math.abs)).toPrecision(3))
  const decimals = largest > 0 ? Math.min(100, Math.max(0, 2 - Math.floor(Math.log10(largest)))) : 0
  const marks = values.map((value, i) => {
    const at = (width * i) / (values.length - 1)
    const label = value === 0 ? '0' : value.toFixed(decimals)
    const length = typeface.width(label, text)
    const x = Math.min(Math.max(0, at - length / 2), width - length)
    const tick = Math.min(Math.max(0.5, at), width - 0.5)
    return `<path stroke="${lineColor}" d="M${tick} 0V${tickHeight}"/>${typeface.outlines(label, text, x, baseline)}`
  })
  return { width, height: baseline + Math.ceil(0.25 * text.size), outlines: marks.join(''), pictures: [] }
}
