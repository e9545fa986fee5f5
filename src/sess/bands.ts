import type { Rect, Size } from '../native.ts'
import type { PlannedWindow } from './geometry.ts'

/** Copying a pixel from a band costs about as much as resizing this many of a photo's pixels into it. */
const copyCost = 1.5

/**
 * Whether windows are cheaper resized one by one, straight into the model's input, than cut from a band: pixels under
 * several windows are then resized as often, which costs more the more photo pixels lie behind each of them.
 */
export function overlapLittle(windows: number, window: Size, level: Size, image: Size): boolean {
  const overlap = (windows * window.height * window.width) / (level.height * level.width)
  const photoPixels = Math.max(1, (image.height * image.width) / (level.height * level.width))
  return (overlap - 1) * photoPixels < copyCost
}

/** A part of a level small enough to hold, and the windows cut from it. */
export interface Band {
  readonly level: number
  readonly rect: Rect
  readonly windows: readonly PlannedWindow[]
}

/** Bands are small enough for the cache, and large enough that few windows are cut from two of them. */
const maxBandPixels = 1 << 20

/** Pixels of the largest band that these levels need. */
export function largestBand(levels: readonly Size[], window: Size): number {
  const bound = Math.max(maxBandPixels, window.height * window.width)
  return Math.max(window.height * window.width, ...levels.map(({ height, width }) => Math.min(height * width, bound)))
}

/** Consecutive origins, from the first to before the end: windows on them span at most the limit, or there is one. */
interface Run {
  readonly from: number
  readonly to: number
  readonly start: number
  readonly length: number
}

function runs(origins: readonly number[], window: number, limit: number): readonly Run[] {
  const out: Run[] = []
  for (let from = 0; from < origins.length; ) {
    const start = origins[from] ?? 0
    let to = from + 1
    while (to < origins.length && (origins[to] ?? 0) + window - start <= limit) to++
    out.push({ from, to, start, length: (origins[to - 1] ?? start) + window - start })
    from = to
  }
  return out
}

/**
 * Cuts a level into bands of at most `maxPixels` (or one window), so that memory does not grow with the level.
 * `windows`: all of the level, in order. Bands run over rows of windows first, then along the row.
 */
export function bandsOf(
  level: number,
  windows: readonly PlannedWindow[],
  window: Size,
  maxPixels = maxBandPixels,
): readonly Band[] {
  const firstRow = windows.findIndex(({ y }) => y !== windows[0]?.y)
  const columns = firstRow < 0 ? windows.length : firstRow
  const xs = windows.slice(0, columns).map(({ x }) => x)
  const ys = Array.from({ length: windows.length / columns }, (_, row) => windows[row * columns]?.y ?? 0)
  const width = Math.min((xs.at(-1) ?? 0) + window.width, Math.max(window.width, maxPixels / window.height))
  const across = runs(xs, window.width, width)
  return runs(ys, window.height, maxPixels / width).flatMap((down) =>
    across.map((along) => {
      const rect = { y: down.start, x: along.start, height: down.length, width: along.length }
      const inside: PlannedWindow[] = []
      for (let row = down.from; row < down.to; row++) {
        inside.push(...windows.slice(row * columns + along.from, row * columns + along.to))
      }
      return { level, rect, windows: inside }
    }),
  )
}
