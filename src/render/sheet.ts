import type { Plane } from '../io/npy.ts'
import type { Photo } from '../io/photo.ts'
import type { Device } from '../native.ts'
import { type Block, boxed, column, drawBlock, empty, framed, pictureBlock, row, textBlock } from './blocks.ts'
import { colourBar } from './colour-bar.ts'
import { drawOverlay, drawPhoto } from './draw.ts'
import { type ColourOptions, overlayDefaults, peakOf, shownRange } from './overlay.ts'
import { sharpOf } from './raster.ts'
import { type TextStyle, Typeface } from './text.ts'

/** A line below a picture: `text` is shortened where it is too long, `tail` never. */
export interface CaptionLine {
  readonly text: string
  readonly tail?: string
}

/** One picture of a sheet: the photo itself, or under the colours of a map. */
export interface SheetCell {
  readonly map: Plane | undefined
  /** The first line is set darker than the others. */
  readonly caption: readonly CaptionLine[]
}

export interface SheetRow {
  readonly title: string
  /** Small lines below the title. */
  readonly details: readonly string[]
  readonly cells: readonly SheetCell[]
}

/** Pictures of one photo in rows and columns. */
export interface Sheet {
  readonly title: CaptionLine
  readonly subtitle: CaptionLine
  /** One heading for each column. */
  readonly columns: readonly string[]
  readonly rows: readonly SheetRow[]
}

/** Longest side of a picture, and width of every column, in pixels. */
const pictureSide = 360
const headerWidth = 190
/** Between columns, and around the sheet. */
const columnGap = 16
const margin = 24
const titleStyle: TextStyle = { size: 22, weight: 'bold', color: '#111111' }
const headingStyle: TextStyle = { size: 17, weight: 'bold', color: '#111111' }
const captionStyle: TextStyle = { size: 14, weight: 'regular', color: '#222222' }
const detailStyle: TextStyle = { size: 13, weight: 'regular', color: '#5c5c5c' }
const scaleStyle: TextStyle = { size: 12, weight: 'regular', color: '#5c5c5c' }

/** Width of a sheet with so many columns of pictures, pixels. */
export function sheetWidth(columns: number): number {
  return 2 * margin + headerWidth + columns * (columnGap + pictureSide)
}

/**
 * Draws a sheet. Every map stands over the photo under its own colour bar, from 0 to its maximum unless a range is
 * given; of a map that is zero everywhere the photo is shown as it is, and the caption says so.
 */
export async function drawSheet(device: Device, photo: Photo, sheet: Sheet, options: ColourOptions) {
  const draw = new SheetDrawing(device, photo, await Typeface.load(), options)
  const rows: Block[] = []
  for (const one of sheet.rows) rows.push(await draw.row(one))
  const grid = column(rows, { gap: 26, align: 'start' })
  const body = column([draw.headings(sheet.columns), grid], { gap: 8, align: 'start' })
  const head = draw.head(sheet, body.width)
  return drawBlock(framed(column([head, body], { gap: 20, align: 'start' }), margin))
}

class SheetDrawing {
  readonly #device: Device
  readonly #photo: Photo
  readonly #typeface: Typeface
  readonly #options: ColourOptions
  /** Of the photo as it is shown. */
  readonly #width: number
  readonly #height: number

  constructor(device: Device, photo: Photo, typeface: Typeface, options: ColourOptions) {
    const scale = pictureSide / Math.max(photo.width, photo.height)
    this.#device = device
    this.#photo = photo
    this.#typeface = typeface
    this.#options = options
    this.#width = Math.max(1, Math.round(photo.width * scale))
    this.#height = Math.max(1, Math.round(photo.height * scale))
  }

  head({ title, subtitle }: Sheet, width: number): Block {
    return column([this.#line(title, titleStyle, width), this.#line(subtitle, captionStyle, width)], {
      gap: 2,
      align: 'start',
    })
  }

  headings(columns: readonly string[]): Block {
    const cells = columns.map((text) => boxed(this.#line({ text }, headingStyle, pictureSide), pictureSide, 0))
    return row([{ ...empty, width: headerWidth }, ...cells], { gap: columnGap, align: 'start' })
  }

  async row({ title, details, cells }: SheetRow): Promise<Block> {
    const drawn: Block[] = []
    for (const cell of cells) drawn.push(await this.#cell(cell))
    const lines = this.#typeface.wrapped(title, headingStyle, headerWidth, 3)
    const header = column(
      [
        ...lines.map((line) => textBlock(this.#typeface, line, headingStyle)),
        ...details.map((text) => this.#line({ text }, detailStyle, headerWidth)),
      ],
      { gap: 2, align: 'start' },
    )
    return row([boxed(header, headerWidth, this.#height, 'start'), ...drawn], { gap: columnGap, align: 'start' })
  }

  async #cell({ map, caption }: SheetCell): Promise<Block> {
    const peak = map === undefined ? 0 : await peakOf(map.data)
    const picture = await this.#picture(peak > 0 ? map : undefined)
    const lines = caption.map((line, i) => this.#line(line, i === 0 ? captionStyle : detailStyle, pictureSide))
    const blocks = [
      boxed(picture, pictureSide, 0),
      ...(await this.#scale(map, peak)),
      column(lines, { gap: 0, align: 'start' }),
    ]
    return column(blocks, { gap: 6, align: 'start' })
  }

  /** What the colours mean, below a map. */
  async #scale(map: Plane | undefined, peak: number): Promise<readonly Block[]> {
    if (map === undefined) return []
    if (!(peak > 0)) return [this.#line({ text: 'zero everywhere' }, captionStyle, pictureSide)]
    const { colormap = overlayDefaults.colormap } = this.#options
    const range = shownRange(this.#options, peak)
    return [await colourBar(this.#typeface, { colormap, range, width: pictureSide, text: scaleStyle })]
  }

  async #picture(map: Plane | undefined): Promise<Block> {
    const [width, height] = [this.#width, this.#height]
    const drawn =
      map === undefined
        ? await drawPhoto(this.#device, this.#photo)
        : await drawOverlay(this.#device, this.#photo, map, this.#options)
    const pixels = await sharpOf(drawn).resize(width, height, { fit: 'fill', kernel: 'cubic' }).png().toBuffer()
    return pictureBlock(pixels, width, height)
  }

  #line({ text, tail }: CaptionLine, style: TextStyle, width: number): Block {
    return textBlock(this.#typeface, this.#typeface.shortened(text, style, width, tail), style)
  }
}
