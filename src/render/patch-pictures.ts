import { setImmediate as yieldToLoop } from 'node:timers/promises'
import sharp from 'sharp'
import type { ExplainedWindow } from '../explanation.ts'
import { throwIfAborted } from '../io/abort.ts'
import type { Photo } from '../io/photo.ts'
import type { Device, Rect, Size } from '../native.ts'
import { drawPhoto } from './draw.ts'
import { peakOf } from './overlay.ts'
import { type Raster, rasterOf, sharpOf } from './raster.ts'

/** Longest side of the small photo that a window is shown on, in pixels. */
export const patchSide = 144

/** What a picture of a window shows. Boxes are whole pixels of the small photo. */
export type PatchPicture = { readonly window: ExplainedWindow; readonly box: Rect } & (
  | {
      readonly kind: 'map'
      /** The window's own map at the size of the box, row-major, 0 to 255 for 0 to 1. */
      readonly map: Uint8Array
    }
  | {
      /** Nothing to paint: a map that is zero everywhere, or a window that was dropped and has none. */
      readonly kind: 'zero' | 'pre-filtered' | 'nonfinite'
    }
)

/** Where the windows' maps are, and what they are shown on. */
export interface PatchSource {
  /** Rows x window height x window width, each in [0, 1]. */
  readonly maps: Float32Array
  readonly window: Size
  /** Row of each kept window's map, by the window's index. */
  readonly rows: ReadonlyMap<number, number>
  readonly nonfinite: ReadonlySet<number>
  /** Pixels of the windows' boxes, and of those that are drawn. */
  readonly photo: Size
  readonly small: Size
}

/** The photo as windows are shown on it. */
export async function smallPhoto(device: Device, photo: Photo): Promise<Raster> {
  const scale = patchSide / Math.max(photo.width, photo.height)
  const [width, height] = [photo.width, photo.height].map((side) => Math.max(1, Math.round(side * scale)))
  const whole = sharpOf(await drawPhoto(device, photo))
  return await rasterOf(whole.resize({ width, height, fit: 'fill', kernel: 'cubic' }))
}

/** Pictures of the windows, in their order. @throws SessError `ABORTED` */
export async function patchPictures(
  windows: readonly ExplainedWindow[],
  source: PatchSource,
  signal?: AbortSignal,
): Promise<readonly PatchPicture[]> {
  const pictures: PatchPicture[] = []
  for (const window of windows) {
    await yieldToLoop()
    throwIfAborted(signal)
    pictures.push(await patchPicture(window, source))
  }
  return pictures
}

async function patchPicture(
  window: ExplainedWindow,
  { maps, window: size, rows, nonfinite, photo, small }: PatchSource,
): Promise<PatchPicture> {
  const box = wholeBox(window.box, photo, small)
  const row = rows.get(window.index)
  if (row === undefined) return { window, box, kind: nonfinite.has(window.index) ? 'nonfinite' : 'pre-filtered' }
  const area = size.height * size.width
  const map = maps.subarray(row * area, (row + 1) * area)
  if (!((await peakOf(map)) > 0)) return { window, box, kind: 'zero' }
  return { window, box, kind: 'map', map: await resized(map, size, box) }
}

/** A box of the photo in the small photo's pixels: at least one, within it. */
function wholeBox(box: Rect, photo: Size, small: Size): Rect {
  const [x, width] = wholeSpan(box.x, box.width, small.width / photo.width, small.width)
  const [y, height] = wholeSpan(box.y, box.height, small.height / photo.height, small.height)
  return { x, y, width, height }
}

function wholeSpan(start: number, length: number, scale: number, end: number): readonly [number, number] {
  const first = Math.min(Math.round(start * scale), end - 1)
  const last = Math.min(Math.max(first + 1, Math.round((start + length) * scale)), end)
  return [first, last - first]
}

/** In the 256 steps that colours have. */
async function resized(map: Float32Array, from: Size, to: Size): Promise<Uint8Array> {
  const steps = new Uint8Array(map.length)
  for (let i = 0; i < map.length; i++) steps[i] = Math.round(255 * (map[i] ?? 0))
  return await sharp(steps, { raw: { width: from.width, height: from.height, channels: 1 } })
    .resize({ width: to.width, height: to.height, fit: 'fill', kernel: 'linear' })
    .toColourspace('b-w')
    .raw()
    .toBuffer()
}
