import type { Rect, Size } from '../native.ts'

/** A window's place in the plan: its index, level, and origin in that level's pixels. */
export interface PlannedWindow {
  readonly index: number
  readonly level: number
  readonly y: number
  readonly x: number
}

/** Length of a level's shorter side grows by this share of the window's longer side from scale to scale. */
const scaleIncrement = 64 / 224

/** The default scales of a window whose longer side is `side`: `round(side * (1 + i * 64 / 224))`. */
export function defaultScales(side: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.round(side * (1 + i * scaleIncrement)))
}

/** Size of the level whose shorter side is `scale`; the longer side keeps the image's aspect, rounded down. */
export function levelSize(image: Size, scale: number): Size {
  const shorter = Math.min(image.height, image.width)
  const longer = Math.max(image.height, image.width)
  const other = Math.floor((scale * longer) / shorter)
  return image.height <= image.width ? { height: scale, width: other } : { height: other, width: scale }
}

/** How many windows of `window` pixels cover `length` pixels in steps of `step`. */
export function positionCount(length: number, window: number, step: number): number {
  return Math.ceil((length - window) / step) + 1
}

/** Where windows start along one axis; the last one is flush with the edge. */
export function positions(length: number, window: number, step: number): number[] {
  return Array.from({ length: positionCount(length, window, step) }, (_, k) => Math.min(k * step, length - window))
}

/** A window's rectangle in the photo's pixels (fractional). */
export function photoBox(window: PlannedWindow, size: Size, level: Size, image: Size): Rect {
  const scaleY = image.height / level.height
  const scaleX = image.width / level.width
  return { y: window.y * scaleY, x: window.x * scaleX, height: size.height * scaleY, width: size.width * scaleX }
}

/** Whether a pixel's centre lies in a box of the same image; of its edges the upper and the left one are its own. */
export function contains(box: Rect, { y, x }: { readonly y: number; readonly x: number }): boolean {
  const [down, right] = [y + 0.5 - box.y, x + 0.5 - box.x]
  return down >= 0 && right >= 0 && down < box.height && right < box.width
}
