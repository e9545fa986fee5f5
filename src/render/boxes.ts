import sharp, { type Sharp } from 'sharp'
import type { Rect } from '../native.ts'
import { type TextStyle, Typeface } from './text.ts'

type Color = readonly [red: number, green: number, blue: number]

const light: Color = [255, 255, 255]
const dark: Color = [0, 0, 0]

/** RGB, row-major. */
interface Canvas {
  readonly data: Buffer
  readonly width: number
  readonly height: number
}

/**
 * Boxes over a finished picture, in its pixels, numbered from 1 in their order: a light line on a dark one, seen on any
 * ground. A number that the picture is too small for is left out.
 */
export async function drawBoxes(picture: Sharp, boxes: readonly Rect[]): Promise<Sharp> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const canvas = { data, width: info.width, height: info.height }
  const longer = Math.max(info.width, info.height)
  const line = Math.max(1, Math.round(longer / 400))
  for (const box of boxes) drawFrame(canvas, box, line)
  const typeface = await Typeface.load()
  const style: TextStyle = { size: Math.max(11, Math.round(longer / 45)), weight: 'bold', color: '#000000' }
  const tags = boxes.flatMap((box, i) => numberTag(typeface, String(i + 1), style, box, canvas))
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 }, limitInputPixels: false })
    .composite(tags)
    .removeAlpha()
}

/** The box's edge: dark, light, dark, each `line` pixels wide, from the edge inwards. */
function drawFrame(canvas: Canvas, box: Rect, line: number): void {
  const left = Math.round(box.x)
  const top = Math.round(box.y)
  const right = Math.max(left + 1, Math.round(box.x + box.width))
  const bottom = Math.max(top + 1, Math.round(box.y + box.height))
  for (const [k, color] of [dark, light, dark].entries()) {
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
function fill({ data, width, height }: Canvas, x0: number, y0: number, x1: number, y1: number, color: Color): void {
  const [left, right] = [Math.max(0, x0), Math.min(width, x1)]
  for (let y = Math.max(0, y0); y < Math.min(height, y1); y++) {
    for (let x = left; x < right; x++) data.set(color, 3 * (y * width + x))
  }
}

/** The number on white: above the box's upper left corner, or inside it where there is no room above. */
function numberTag(typeface: Typeface, text: string, style: TextStyle, box: Rect, { width, height }: Canvas) {
  const margin = Math.round(0.3 * style.size)
  const tagWidth = Math.ceil(typeface.width(text, style)) + 2 * margin
  const tagHeight = typeface.lineHeight(style)
  if (tagWidth > width || tagHeight > height) return []
  const baseline = Math.round((tagHeight + 0.72 * style.size) / 2)
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${tagWidth}" height="${tagHeight}">` +
    `<rect width="100%" height="100%" fill="white"/>${typeface.outlines(text, style, margin, baseline)}</svg>`
  const [x, y] = [Math.round(box.x), Math.round(box.y)]
  const left = Math.min(Math.max(0, x), width - tagWidth)
  const top = Math.min(Math.max(0, y >= tagHeight ? y - tagHeight : y), height - tagHeight)
  return [{ input: Buffer.from(svg), left, top }]
}
