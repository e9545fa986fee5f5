import sharp, { type Sharp } from 'sharp'
import type { TextStyle, Typeface } from './text.ts'

/** A rectangle of a drawing: outlines as SVG, and pictures; both from its own upper left corner, in whole pixels. */
export interface Block {
  readonly width: number
  readonly height: number
  readonly outlines: string
  readonly pictures: readonly PlacedPicture[]
}

/** Encoded or raw pixels at a place. */
interface PlacedPicture {
  readonly x: number
  readonly y: number
  readonly pixels: Buffer
}

/** Where a block stands across the direction in which blocks follow one another. */
type Alignment = 'start' | 'middle'

interface Arrangement {
  /** Pixels between neighbours. */
  readonly gap: number
  readonly align: Alignment
}

export const empty: Block = { width: 0, height: 0, outlines: '', pictures: [] }

/** An encoded picture of that size. */
export function pictureBlock(pixels: Buffer, width: number, height: number): Block {
  return { width, height, outlines: '', pictures: [{ x: 0, y: 0, pixels }] }
}

/** A line of text, as high as a line. */
export function textBlock(typeface: Typeface, text: string, style: TextStyle): Block {
  const height = typeface.lineHeight(style)
  return {
    width: Math.ceil(typeface.width(text, style)),
    height,
    outlines: typeface.outlines(text, style, 0, Math.round((height + 0.72 * style.size) / 2)),
    pictures: [],
  }
}

/** Blocks from left to right. */
export function row(blocks: readonly Block[], { gap, align }: Arrangement): Block {
  const height = Math.max(0, ...blocks.map((block) => block.height))
  let x = -gap
  const placed = blocks.map((block) => {
    x += gap
    const at = moved(block, x, align === 'start' ? 0 : Math.round((height - block.height) / 2))
    x += block.width
    return at
  })
  return joined(placed, Math.max(0, x), height)
}

/** Blocks from top to bottom. */
export function column(blocks: readonly Block[], { gap, align }: Arrangement): Block {
  const width = Math.max(0, ...blocks.map((block) => block.width))
  let y = -gap
  const placed = blocks.map((block) => {
    y += gap
    const at = moved(block, align === 'start' ? 0 : Math.round((width - block.width) / 2), y)
    y += block.height
    return at
  })
  return joined(placed, width, Math.max(0, y))
}

/** The block in the middle of a box that is at least as large. */
export function boxed(block: Block, width: number, height: number, align: Alignment = 'middle'): Block {
  const [w, h] = [Math.max(width, block.width), Math.max(height, block.height)]
  const x = align === 'start' ? 0 : Math.round((w - block.width) / 2)
  return { ...moved(block, x, Math.round((h - block.height) / 2)), width: w, height: h }
}

/** White paper around the block. */
export function framed(block: Block, margin: number): Block {
  return { ...moved(block, margin, margin), width: block.width + 2 * margin, height: block.height + 2 * margin }
}

/** The block on white. */
export function drawBlock({ width, height, outlines, pictures }: Block): Sharp {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${outlines}</svg>`
  const layers = pictures.map(({ pixels, x, y }) => ({ input: pixels, left: x, top: y }))
  return sharp({ create: { width, height, channels: 3, background: 'white' }, limitInputPixels: false }).composite([
    ...layers,
    { input: Buffer.from(svg), left: 0, top: 0 },
  ])
}

/** The block as one picture: many outlines drawn at once would hold the event loop. */
export async function flattened(block: Block): Promise<Block> {
  const { width, height } = block
  if (width === 0 || height === 0) return block
  return pictureBlock(await drawBlock(block).png({ compressionLevel: 1 }).toBuffer(), width, height)
}

function moved(block: Block, x: number, y: number): Block {
  if (x === 0 && y === 0) return block
  return {
    ...block,
    outlines: block.outlines === '' ? '' : `<g transform="translate(${x} ${y})">${block.outlines}</g>`,
    pictures: block.pictures.map((picture) => ({ ...picture, x: picture.x + x, y: picture.y + y })),
  }
}

function joined(placed: readonly Block[], width: number, height: number): Block {
  return {
    width,
    height,
    outlines: placed.map(({ outlines }) => outlines).join(''),
    pictures: placed.flatMap(({ pictures }) => pictures),
  }
}
