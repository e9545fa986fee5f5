import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { throwIfAborted } from '../io/abort.ts'
import type { Plane } from '../io/npy.ts'
import type { Rect } from '../native.ts'

/** By how much two maps of one size differ, and where. */
export interface MapDifference {
  /** A pixel that differs by more counts in `share` and lies in `box`. */
  readonly tolerance: number
  /** The largest difference; infinite where one of the two is not finite. */
  readonly maximum: number
  readonly mean: number
  /** Of the pixels. */
  readonly share: number
  /** Pearson's; undefined where a map is flat or not finite. */
  readonly correlation: number | undefined
  /** The pixel of the largest difference, the first in row order. */
  readonly at: { readonly x: number; readonly y: number; readonly recorded: number; readonly found: number }
  /** Around all pixels over the tolerance. */
  readonly box: Rect | undefined
}

/** Two maps of the same size; the event loop gets its turn after each piece. */
export async function mapDifference(
  recorded: Plane,
  found: Plane,
  tolerance: number,
  signal?: AbortSignal,
): Promise<MapDifference> {
  const { height, width } = recorded
  if (found.height !== height || found.width !== width) throw new RangeError('maps of two sizes')
  const means = [await meanOf(recorded, signal), await meanOf(found, signal)] as const
  const moments = { recorded: 0, found: 0, both: 0 }
  const box = { top: height, bottom: -1, left: width, right: -1 }
  let [sum, over, maximum, place] = [0, 0, -1, 0]
  await eachPiece(recorded, signal, (first, end) => {
    for (let i = first; i < end; i++) {
      const [a, b] = [recorded.data[i] ?? 0, found.data[i] ?? 0]
      const difference = Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Number.POSITIVE_INFINITY
      sum += difference
      moments.recorded += (a - means[0]) ** 2
      moments.found += (b - means[1]) ** 2
      moments.both += (a - means[0]) * (b - means[1])
      if (difference > maximum) {
        maximum = difference
        place = i
      }
      if (difference <= tolerance) continue
      over++
      const [y, x] = [Math.floor(i / width), i % width]
      box.top = Math.min(box.top, y)
      box.bottom = Math.max(box.bottom, y)
      box.left = Math.min(box.left, x)
      box.right = Math.max(box.right, x)
    }
  })
  const pixels = height * width
  const correlation = moments.both / Math.sqrt(moments.recorded * moments.found)
  const { top, bottom, left, right } = box
  return {
    tolerance,
    maximum,
    mean: sum / pixels,
    share: over / pixels,
    correlation: Number.isFinite(correlation) ? correlation : undefined,
    at: {
      x: place % width,
      y: Math.floor(place / width),
      recorded: recorded.data[place] ?? Number.NaN,
      found: found.data[place] ?? Number.NaN,
    },
    box: over === 0 ? undefined : { y: top, x: left, height: bottom - top + 1, width: right - left + 1 },
  }
}

async function meanOf(plane: Plane, signal: AbortSignal | undefined): Promise<number> {
  let sum = 0
  await eachPiece(plane, signal, (first, end) => {
    for (let i = first; i < end; i++) sum += plane.data[i] ?? 0
  })
  return sum / plane.data.length
}

/** `work` from the first to before the last index of a piece, piece by piece. */
async function eachPiece(
  { data }: Plane,
  signal: AbortSignal | undefined,
  work: (first: number, end: number) => void,
): Promise<void> {
  const piece = 1 << 17
  for (let first = 0; first < data.length; first += piece) {
    if (first > 0) await yieldToLoop()
    throwIfAborted(signal)
    work(first, Math.min(data.length, first + piece))
  }
}
