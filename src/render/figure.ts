import type { Sharp } from 'sharp'
import type { Plane } from '../io/npy.ts'
import type { Photo } from '../io/photo.ts'
import { quantile } from '../metrics/quantile.ts'
import type { Device, Rect } from '../native.ts'
import { type Block, boxed, column, drawBlock, framed, textBlock } from './blocks.ts'
import { drawBoxes } from './boxes.ts'
import { type Caption, type CaptionFacts, type MapFacts, overlayCaption } from './caption.ts'
import { colourBar } from './colour-bar.ts'
import { drawContours } from './contours.ts'
import { drawOverlay, drawPhoto } from './draw.ts'
import { type OverlayOptions, overlayDefaults, peakOf, shownRange } from './overlay.ts'
import { assembled, type PlacedRaster, type Raster, rasterOf, sharpOf } from './raster.ts'
import { type TextStyle, Typeface } from './text.ts'

/** Of the text, in pixels: what is read at full size; larger pictures are looked at as a whole, and text grows with them. */
const smallestText = 14
const textShare = 1 / 45
/** Width of the caption in ems: its colour bar needs room on one side, lines that can be read end on the other. */
const captionEms = { least: 26, most: 80 } as const
const mostLines = 8

/** `boxes`: in the photo's pixels, numbered from 1. */
interface FigureOptions extends OverlayOptions {
  readonly boxes?: readonly Rect[] | undefined
}

/**
 * The photo under the colours of its map, at its own resolution, with what is asked for around it. The upper left
 * corner stays where it is. A map that is zero everywhere is not painted.
 */
export async function drawFigure(
  device: Device,
  photo: Photo,
  map: Plane,
  facts: CaptionFacts,
  options: FigureOptions,
): Promise<Sharp> {
  const { caption = true, beside = false, boxes = [] } = options
  const shown = await mapFacts(map, options)
  const size = textSize(photo.width * (beside ? 2 : 1), photo.height)
  const range = shownRange(options, shown.peak)
  const painted =
    shown.peak > 0 ? await drawOverlay(device, photo, map, { ...options, range }) : await drawPhoto(device, photo)
  if (shown.contours.length > 0) {
    const thresholds = shown.contours.map(({ value }) => value)
    await drawContours(painted, map.data, thresholds, size / 20)
  }
  if (boxes.length > 0) await drawBoxes(painted, boxes)
  const panes = beside ? [await drawPhoto(device, photo), painted] : [painted]
  const placed = sideBySide(panes, Math.round(size / 2))
  const right = Math.max(...placed.map(({ x, width }) => x + width))
  if (!caption) return sharpOf(placed.length === 1 ? painted : await assembled({ ...photo, width: right }, placed))
  const strip = await drawCaption(overlayCaption(facts, shown, options), shown.peak, options, { size, width: right })
  const whole = { width: Math.max(right, strip.width), height: photo.height + strip.height }
  return sharpOf(await assembled(whole, [...placed, { ...strip, x: 0, y: photo.height }]))
}

async function mapFacts({ data }: Plane, { contours = [] }: OverlayOptions): Promise<MapFacts> {
  const peak = await peakOf(data)
  if (!(peak > 0)) return { peak, contours: [] }
  const drawn: MapFacts['contours'][number][] = []
  for (const share of [...new Set(contours)].sort((a, b) => a - b)) {
    drawn.push({ quantile: share, value: await quantile(data, share) })
  }
  return { peak, contours: drawn }
}

function textSize(width: number, height: number): number {
  return Math.max(smallestText, Math.round(Math.sqrt(width * height) * textShare))
}

function sideBySide(panes: readonly Raster[], gap: number): readonly PlacedRaster[] {
  return panes.map((pane, i) => ({ ...pane, x: i * (pane.width + gap), y: 0 }))
}

/** Colour bar and text below a picture of that width. */
async function drawCaption(
  { title, lines }: Caption,
  peak: number,
  options: OverlayOptions,
  { size, width }: { readonly size: number; readonly width: number },
): Promise<Raster> {
  const typeface = await Typeface.load()
  const margin = Math.round(size / 2)
  const inner = Math.min(Math.max(width - 2 * margin, captionEms.least * size), captionEms.most * size)
  const paragraph = (text: string, style: TextStyle): readonly Block[] =>
    typeface.wrapped(text, style, inner, mostLines).map((line) => textBlock(typeface, line, style))
  const bar = {
    colormap: options.colormap ?? overlayDefaults.colormap,
    range: shownRange(options, peak),
    width: inner,
    text: { size: Math.round(0.9 * size), weight: 'regular', color: '#444444' } satisfies TextStyle,
  }
  const text = column(
    [
      ...paragraph(title, { size: Math.round(1.2 * size), weight: 'bold', color: '#111111' }),
      ...lines.flatMap((line) => paragraph(line, { size, weight: 'regular', color: '#333333' })),
    ],
    { gap: 0, align: 'start' },
  )
  const blocks = peak > 0 ? [await colourBar(typeface, bar), text] : [text]
  const strip = framed(column(blocks, { gap: Math.round(size / 3), align: 'start' }), margin)
  return await rasterOf(drawBlock(boxed(strip, inner + 2 * margin, 0, 'start')))
}
