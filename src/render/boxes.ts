import sharp from 'sharp'
import type { Rect } from '../native.ts'
import type { Raster } from './raster.ts'
import { type TextStyle, Typeface } from './text.ts'

type Color = readonly [red: number, green: number, blue: number]

const light: Color = [255, 255, 255]
const dark: Color = [0, 0, 0]

/**
 * Draws boxes over a picture, in its pixels, numbered from 1 in their order: a light line on a dark one, seen on any
 * ground. A number that the picture is too small for is left out.
 */
export async function drawBoxes(picture: Raster, boxes: readonly Rect[]): Promise<void> {
  const longer = Math.max(picture.width, picture.height)
  const line = Math.max(1, Math.round(longer / 400))
  for (const box of boxes) drawFrame(picture, box, line, [dark, light, dark])
  const typeface = await Typeface.load()
  const style: TextStyle = { size: Math.max(11, Math.round(longer / 45)), weight: 'bold', color: '#000000' }
  for (const [i, box] of boxes.entries()) await drawNumber(picture, typeface, String(i + 1), style, box)
}

/** The box's edge in these colours from the edge inwards, each `line` pixels wide. */
export function drawFrame(canvas: Raster, box: Rect, line: number, colors: readonly Color[]): void {
  const left = Math.round(box.x)
  const top = Math.round(box.y)
  const right = Math.max(left + 1, Math.round(box.x + box.width))
  const bottom = Math.max(top + 1, Math.round(box.y + box.height))
  for (const [k, color] of colors.entries()) {
    const inset = k * line
    const [x0, x1, y0, y1] = [left + inset, right - inset, top + inset, bottom - inset]
    if (x0 >= x1 || y0 >= y1) return
    fill(canvas, x0, y0, x1, y0 + line, color)
    fill(canvas, x0, y1 - line, x1, y1, color)
    fill(canvas, x0, y0, x0 + line, y1, color)
    fill(canvas, x1 - line, y0, x1, y1, color)
  }
}

/** What of [x0, x1) x [y0, y1) lies in the picture. */
function fill({ data, width, height }: Raster, x0: number, y0: number, x1: number, y1: number, color: Color): void {
  const [left, right] = [Math.max(0, x0), Math.min(width, x1)]
  for (let y = Math.max(0, y0); y < Math.min(height, y1); y++) {
    for (let x = left; x < right; x++) data.set(color, 3 * (y * width + x))
  }
}

/** The number on white: above the box's upper left corner, or inside it where there is no room above. */
async function drawNumber(
  { data, width, height }: Raster,
  typeface: Typeface,
  text: string,
  style: TextStyle,
  box: Rect,
): Promise<void> {
  const margin = Math.round(0.3 * style.size)
  const tagWidth = Math.ceil(typeface.width(text, style)) + 2 * margin
  const tagHeight = typeface.lineHeight(style)
  if (tagWidth > width || tagHeight > height) return
  const outlines = typeface.outlines(text, style, margin, Math.round((tagHeight + 0.72 * style.size) / 2))
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${tagWidth}" height="${tagHeight}">${outlines}</svg>`
  const tag = await sharp(Buffer.from(svg)).flatten({ background: 'white' }).toColourspace('srgb').raw().toBuffer()
  const [x, y] = [Math.round(box.x), Math.round(box.y)]
  const left = Math.min(Math.max(0, x), width - tagWidth)
  const top = Math.min(Math.max(0, y >= tagHeight ? y - tagHeight : y), height - tagHeight)
  for (let row = 0; row < tagHeight; row++) {
    data.set(tag.subarray(3 * row * tagWidth, 3 * (row + 1) * tagWidth), 3 * ((top + row) * width + left))
  }
}
