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
interface Band {
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

/** Consecutive origins along one axis, and the pixels from the first to the end of the last one's window. */
interface Run {
  readonly origins: readonly number[]
  readonly start: number
  readonly length: number
}

/** Windows on a run's origins span at most the limit, or there is one. */
function runs(origins: readonly number[], window: number, limit: number): readonly Run[] {
  const out: Run[] = []
  for (let from = 0; from < origins.length; ) {
    const start = origins[from] ?? 0
    let to = from + 1
    while (to < origins.length && (origins[to] ?? 0) + window - start <= limit) to++
    out.push({ origins: origins.slice(from, to), start, length: (origins[to - 1] ?? start) + window - start })
    from = to
  }
  return out
}

/**
 * Cuts a level into bands of at most `maxPixels` (or one window), so that memory does not grow with the level. Bands
 * run over rows of windows first, then along the row.
 * @param windows all of the level, in order; of several steps, too: not every row need have the same columns
 */
export function bandsOf(
  level: number,
  windows: readonly PlannedWindow[],
  window: Size,
  maxPixels = maxBandPixels,
): readonly Band[] {
  const ys = ascending(windows.map(({ y }) => y))
  const xs = ascending(windows.map(({ x }) => x))
  const width = Math.min((xs.at(-1) ?? 0) + window.width, Math.max(window.width, maxPixels / window.height))
  const [down, across] = [runs(ys, window.height, maxPixels / width), runs(xs, window.width, width)]
  const bands = down.map(({ start: y, length: height }) =>
    across.map(({ start: x, length }) => ({
      level,
      rect: { y, x, height, width: length },
      windows: [] as PlannedWindow[],
    })),
  )
  const [rowOf, columnOf] = [runByOrigin(down), runByOrigin(across)]
  for (const one of windows) bands[rowOf.get(one.y) ?? 0]?.[columnOf.get(one.x) ?? 0]?.windows.push(one)
  return bands.flat().filter((band) => band.windows.length > 0)
}

/** Each number once, ascending. */
function ascending(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((a, b) => a - b)
}

function runByOrigin(some: readonly Run[]): ReadonlyMap<number, number> {
  return new Map(some.flatMap(({ origins }, run) => origins.map((origin) => [origin, run] as const)))
}
