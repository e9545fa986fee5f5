import sharp from 'sharp'
import { type Block, column, pictureBlock } from './blocks.ts'
import { type ColormapName, colormapTable } from './colormaps.ts'
import type { TextStyle, Typeface } from './text.ts'

interface ColourBarOptions {
  readonly colormap: ColormapName
  /** Values at the left and the right end. */
  readonly range: readonly [low: number, high: number]
  /** Pixels. */
  readonly width: number
  /** Bar and ticks grow with it. */
  readonly text: TextStyle
}

const lineColor = '#8a8a8a'

/** The colours from left to right, with the values at both ends and, where there is room, in the middle. */
export async function colourBar(
  typeface: Typeface,
  { colormap, range, width, text }: ColourBarOptions,
): Promise<Block> {
  const table = colormapTable(colormap)
  const height = Math.round(0.84 * text.size)
  const line = new Uint8Array(3 * width)
  for (let x = 0; x < width; x++) {
    const entry = Math.round((255 * x) / Math.max(1, width - 1))
    line.set(table.subarray(3 * entry, 3 * entry + 3), 3 * x)
  }
  const pixels = Buffer.concat(Array.from({ length: height }, () => line))
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
  return column([pictureBlock(png, width, height), scale(typeface, range, width, text)], { gap: 0, align: 'start' })
}

/** A tick for each value at equal distances, and the value below it, within the width. */
function scale(typeface: Typeface, range: ColourBarOptions['range'], width: number, text: TextStyle): Block {
  const [low, high] = range
  const shown = scaleText(range)
  const lengthOf = (value: number) => typeface.width(shown(value), text)
  const middle = (low + high) / 2
  const needed = 2 * Math.max(lengthOf(low), lengthOf(high)) + lengthOf(middle) + 2 * text.size
  const values = needed <= width ? [low, middle, high] : [low, high]
  const tickHeight = Math.round(text.size / 3)
  const stroke = Math.max(1, Math.round(text.size / 12))
  const baseline = tickHeight + 1 + text.size
  const marks = values.map((value, i) => {
    const at = (width * i) / (values.length - 1)
    const label = shown(value)
    const x = Math.min(Math.max(0, at - lengthOf(value) / 2), width - lengthOf(value))
    const tick = Math.min(Math.max(stroke / 2, at), width - stroke / 2)
    const path = `<path stroke="${lineColor}" stroke-width="${stroke}" d="M${tick} 0V${tickHeight}"/>`
    return `${path}${typeface.outlines(label, text, x, baseline)}`
  })
  return { width, height: baseline + Math.ceil(0.25 * text.size), outlines: marks.join(''), pictures: [] }
}

/** How values of a range are written: three digits that count, of the largest, and more where the ends are close. */
function scaleText([low, high]: ColourBarOptions['range']): (value: number) => string {
  const largest = Number(Math.max(Math.abs(low), Math.abs(high)).toPrecision(3))
  const magnitude = Math.floor(Math.log10(largest))
  const digits = Math.min(15, Math.max(3, 2 - Math.floor(Math.log10((high - low) / largest))))
  const decimals = Math.max(0, digits - 1 - magnitude)
  const isPlain = magnitude >= -4 && magnitude <= 6
  return (value) => {
    if (value === 0) return '0'
    return isPlain ? value.toFixed(decimals) : value.toExponential(digits - 1)
  }
}
