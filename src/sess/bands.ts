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

/** Consecutive runs of `origins` whose union of windows is at most `limit` pixels long (one window at least). */
function runs(origins: readonly number[], window: number, limit: number): (readonly number[])[] {
  const out: number[][] = []
  for (const origin of origins) {
    const last = out.at(-1)
    const start = last?.[0]
    if (last !== undefined && start !== undefined && origin + window - start <= limit) last.push(origin)
    else out.push([origin])
  }
  return out
}

const distinct = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b)

/**
 * Cuts a level into bands of at most `maxPixels` (or one window), so that memory does not grow with the level.
 * Bands run over rows of windows first, then along the row.
 */
export function bandsOf(
  level: number,
  windows: readonly PlannedWindow[],
  window: Size,
  maxPixels = maxBandPixels,
): readonly Band[] {
  const columns = distinct(windows.map(({ x }) => x))
  const rows = distinct(windows.map(({ y }) => y))
  const width = Math.min((columns.at(-1) ?? 0) + window.width, Math.max(window.width, maxPixels / window.height))
  const byRow = new Map<number, Map<number, PlannedWindow>>(rows.map((y) => [y, new Map()]))
  for (const placed of windows) byRow.get(placed.y)?.set(placed.x, placed)
  return runs(rows, window.height, maxPixels / width).flatMap((ys) =>
    runs(columns, window.width, width).map((xs) => {
      const [y = 0] = ys
      const [x = 0] = xs
      const rect = {
        y,
        x,
        height: (ys.at(-1) ?? y) + window.height - y,
        width: (xs.at(-1) ?? x) + window.width - x,
      }
      const inside = ys.flatMap((wy) => xs.flatMap((wx) => byRow.get(wy)?.get(wx) ?? []))
      return { level, rect, windows: inside }
    }),
  )
}
