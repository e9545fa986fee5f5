import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Sharp } from 'sharp'
import type { Device } from '../native.ts'
import type { Patches } from '../patches.ts'
import {
  type Block,
  boxed,
  column,
  drawBlock,
  empty,
  flattened,
  framed,
  pictureBlock,
  row,
  textBlock,
} from './blocks.ts'
import { drawFrame } from './boxes.ts'
import { explainedText, percentText } from './class-text.ts'
import { colourBar } from './colour-bar.ts'
import { drawOverlay } from './draw.ts'
import { type ColourOptions, overlayDefaults } from './overlay.ts'
import { type PatchPicture, patchSide } from './patch-pictures.ts'
import type { PageLine, PatchLayout } from './patches-layout.ts'
import { type Raster, sharpOf } from './raster.ts'
import { robustnessBlock } from './robustness-block.ts'
import type { TextStyle } from './text.ts'
import { Typeface } from './text.ts'
import { weightText } from './weight-text.ts'

interface PatchesPage {
  readonly patches: readonly Patches[]
  readonly layout: PatchLayout
  /** From 0. */
  readonly page: number
  readonly title: string | undefined
  readonly colours: ColourOptions
}

const red = [255, 0, 0] as const
const grey = [150, 150, 150] as const
/** Outside the red, which is lost on a red photo. */
const white = [255, 255, 255] as const
/** Pixels: of smaller boxes a frame would leave little. */
const smallBox = 24
const gap = 12
/** Between explanations. */
const wideGap = 36
const headerWidth = 118
const titleStyle: TextStyle = { size: 22, weight: 'bold', color: '#111111' }
const headingStyle: TextStyle = { size: 16, weight: 'bold', color: '#111111' }
const textStyle: TextStyle = { size: 14, weight: 'regular', color: '#222222' }
/** Lines that fit every page: breaking long ones takes tens of milliseconds. */
const explained = [
  "Under each: scale, score (the class's probability in the window) and weight (score over the best window's).",
  "Colours are the window's own map before it is weighed; a grey box is a window that was left out of the map.",
]
const captionStyle: TextStyle = { size: 12, weight: 'regular', color: '#222222' }
const detailStyle: TextStyle = { size: 12, weight: 'regular', color: '#5c5c5c' }

/** The lines of one page under their scales; below the last page's the numbers and charts of robustness. */
export async function drawPatchesPage(device: Device, page: PatchesPage): Promise<Sharp> {
  const draw = new PageDrawing(device, page, await Typeface.load())
  const { pages } = page.layout
  const lines: Block[] = []
  for (const [i, line] of (pages[page.page] ?? []).entries())
    lines.push(await flattened(await draw.line(line, i === 0)))
  const grid = column([await draw.headings(), column(lines, { gap: 14, align: 'start' })], { gap: 14, align: 'start' })
  const blocks = [await draw.head(grid.width), grid]
  if (page.page === pages.length - 1)
    blocks.push(await robustnessBlock(await Typeface.load(), page.patches, grid.width))
  return drawBlock(framed(column(blocks, { gap: 24, align: 'start' }), 24))
}

class PageDrawing {
  readonly #device: Device
  readonly #page: PatchesPage
  readonly #typeface: Typeface
  /** Of one explanation. */
  readonly #columnWidth: number
  readonly #captions = new Map<string, Block>()

  constructor(device: Device, page: PatchesPage, typeface: Typeface) {
    this.#device = device
    this.#page = page
    this.#typeface = typeface
    this.#columnWidth = page.layout.across * (patchSide + gap) - gap
  }

  async head(width: number): Promise<Block> {
    const { patches, layout, page, title, colours } = this.#page
    const count = layout.pages.length
    const { height = 0, width: across = 0 } = patches[0]?.photo ?? {}
    const place = count === 1 ? '' : `; page ${page + 1} of ${count}`
    const { colormap = overlayDefaults.colormap } = colours
    const bar = { colormap, range: rangeOf(colours), width: 300, text: captionStyle }
    return column(
      [
        this.#line(title ?? 'Patches', titleStyle, width, ': each window by scale, the heaviest first'),
        this.#line(`${across} × ${height} pixels${place}`, textStyle, width),
        ...explained.map((text) => this.#line(text, detailStyle, width)),
        await colourBar(this.#typeface, bar),
      ],
      { gap: 4, align: 'start' },
    )
  }

  /** Above the pictures of each explanation: which model and method, of which class. */
  async headings(): Promise<Block> {
    const width = this.#columnWidth
    const columns: Block[] = []
    for (const one of this.#page.patches) {
      const score = `${explainedText(one.target, one.against)}, ${percentText(one.target.probability)} of the whole photo`
      const lines = [
        ...(await this.#paragraph(`${one.model}, ${one.title}`, headingStyle, width)),
        ...(await this.#paragraph(score, textStyle, width)),
        ...(await this.#paragraph(shownText(one), detailStyle, width)),
      ]
      columns.push(boxed(column(lines, { gap: 2, align: 'start' }), width, 0, 'start'))
    }
    return this.#besideHeader(empty, columns)
  }

  async line({ level, first }: PageLine, isTop: boolean): Promise<Block> {
    const { patches, layout } = this.#page
    const columns: Block[] = []
    for (const one of patches) {
      const { scale = 0, pictures = [] } = one.scales[level] ?? {}
      const cells: Block[] = []
      for (const picture of pictures.slice(first, first + layout.across)) {
        cells.push(await this.#cell(one.small, picture, scale))
      }
      columns.push(boxed(row(cells, { gap, align: 'start' }), this.#columnWidth, 0, 'start'))
    }
    return this.#besideHeader(first === 0 || isTop ? this.#levelHeader(level, first) : empty, columns)
  }

  /** A column for each explanation, right of what stands beside them. */
  #besideHeader(header: Block, columns: readonly Block[]): Block {
    const explanations = row(columns, { gap: wideGap, align: 'start' })
    return row([boxed(header, headerWidth, 0, 'start'), explanations], { gap, align: 'start' })
  }

  #levelHeader(level: number, first: number): Block {
    const { patches } = this.#page
    const scales = new Set(patches.flatMap(({ scales: ofOne }) => ofOne[level]?.scale ?? []))
    const title = scales.size === 1 ? `Scale ${[...scales].join('')}` : `Level ${level + 1}`
    const counts = new Set(patches.flatMap(({ scales: ofOne }) => ofOne[level]?.windows ?? []))
    const count = counts.size === 1 ? [`${[...counts].join('')} ${counts.has(1) ? 'window' : 'windows'}`] : []
    const details = [...(first === 0 ? [] : ['continued']), ...count]
    return column(
      [
        this.#line(title, headingStyle, headerWidth),
        ...details.map((text) => this.#line(text, detailStyle, headerWidth)),
      ],
      { gap: 2, align: 'start' },
    )
  }

  async #cell(small: Raster, picture: PatchPicture, scale: number): Promise<Block> {
    const drawn = await this.#painted(small, picture)
    const png = await sharpOf(drawn).png({ compressionLevel: 1 }).toBuffer()
    const { probability, weight } = picture.window
    const lines = [
      this.#caption(`scale ${scale}${noteOf(picture)}`, captionStyle),
      this.#caption(`${percentText(probability)}, weight ${weightText(weight)}`, detailStyle),
    ]
    const cell = column([pictureBlock(png, small.width, small.height), ...lines], { gap: 1, align: 'start' })
    return boxed(cell, patchSide, 0, 'start')
  }

  /** The window's map in its place on the photo, in a box. */
  async #painted({ data, width, height }: Raster, picture: PatchPicture): Promise<Raster> {
    const canvas = { data: Uint8Array.from(data), width, height }
    const { box } = picture
    if (picture.kind === 'map') {
      const plane = { data: Float32Array.from(picture.map, (step) => step / 255), width: box.width, height: box.height }
      const below = { ...copied(canvas, box), channels: 3 } as const
      const { colours } = this.#page
      pasted(canvas, box, await drawOverlay(this.#device, below, plane, { ...colours, range: rangeOf(colours) }))
    }
    const color = picture.window.kept ? red : grey
    const isSmall = Math.min(box.width, box.height) < smallBox
    drawFrame(canvas, box, 1, isSmall ? [color] : [white, color, color])
    return canvas
  }

  /** Many are alike, and setting one takes half a millisecond. */
  #caption(text: string, style: TextStyle): Block {
    const key = `${style.color} ${text}`
    const set = this.#captions.get(key) ?? this.#line(text, style, patchSide)
    this.#captions.set(key, set)
    return set
  }

  async #paragraph(text: string, style: TextStyle, width: number): Promise<readonly Block[]> {
    await yieldToLoop()
    return this.#typeface.wrapped(text, style, width, 4).map((line) => textBlock(this.#typeface, line, style))
  }

  #line(text: string, style: TextStyle, width: number, tail = ''): Block {
    return textBlock(this.#typeface, this.#typeface.shortened(text, style, width, tail), style)
  }
}

/** Each window's map reaches from 0 to 1 by itself. */
function rangeOf({ range = 'auto' }: ColourOptions): readonly [number, number] {
  return range === 'auto' ? [0, 1] : range
}

function noteOf({ kind }: PatchPicture): string {
  switch (kind) {
    case 'map':
      return ''
    case 'zero':
      return ', zero'
    case 'pre-filtered':
      return ', dropped'
    case 'nonfinite':
      return ', not finite'
  }
}

function shownText({ windows, scales, layer }: Patches): string {
  const shown = scales.reduce((sum, { pictures }) => sum + pictures.length, 0)
  const counted = shown === windows.length ? `${shown}` : `the heaviest ${shown} of ${windows.length}`
  const lengths = scales.map(({ scale }) => scale)
  const range =
    lengths.length === 1 ? `scale ${lengths[0]}` : `${lengths.length} scales, ${lengths[0]} to ${lengths.at(-1)}`
  return `${counted} windows, ${range}; at ${layer}`
}

function copied({ data, width }: Raster, box: PatchPicture['box']): Raster {
  const part = new Uint8Array(3 * box.width * box.height)
  for (let y = 0; y < box.height; y++) {
    const start = 3 * ((box.y + y) * width + box.x)
    part.set(data.subarray(start, start + 3 * box.width), 3 * y * box.width)
  }
  return { data: part, width: box.width, height: box.height }
}

function pasted(onto: Raster, box: PatchPicture['box'], part: Raster): void {
  for (let y = 0; y < box.height; y++) {
    onto.data.set(
      part.data.subarray(3 * y * box.width, 3 * (y + 1) * box.width),
      3 * ((box.y + y) * onto.width + box.x),
    )
  }
}
