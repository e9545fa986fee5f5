import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { invalidOption } from './error.ts'
import type { Plane } from './io/npy.ts'
import type { Rect } from './native.ts'

export interface ObjectsOptions {
  /** Share of the map's maximum from which a pixel belongs to an object, above 0 to 1. Default 0.5. */
  readonly threshold?: number | undefined
  /** Objects with a smaller share of the map's energy are left out, 0 to 1. Default 0.01. */
  readonly minShare?: number | undefined
}

export const objectsDefaults = { threshold: 0.5, minShare: 0.01 } as const

/** A place in the photo: pixels are centred at half-integers. */
interface Point {
  readonly y: number
  readonly x: number
}

/** A part of the map that stands out by itself. */
export interface MapObject {
  /** The smallest rectangle around its pixels, in whole pixels of the photo. */
  readonly box: Rect
  /** Mean place of its pixels, each counted by its value. */
  readonly centroid: Point
  /** Number of its pixels. */
  readonly pixels: number
  /** Share of the sum of the whole map that lies in it. */
  readonly share: number
  /** Its largest value, and the pixel (row, column) that has it: the first in row-major order. */
  readonly peak: Point & { readonly value: number }
}

/** Pixels between two turns of the event loop: about a millisecond. */
const TURN = 1 << 17

/** @throws SessError `OPTION_INVALID` */
export function checkObjects({
  threshold = objectsDefaults.threshold,
  minShare = objectsDefaults.minShare,
}: ObjectsOptions): Required<{ [K in keyof ObjectsOptions]: number }> {
  if (!(typeof threshold === 'number' && threshold > 0 && threshold <= 1)) {
    throw invalidOption('threshold', threshold, 'a number above 0 to 1')
  }
  if (!(typeof minShare === 'number' && minShare >= 0 && minShare <= 1)) {
    throw invalidOption('minShare', minShare, 'a number from 0 to 1')
  }
  return { threshold, minShare }
}

/**
 * The connected parts of a map (values from 0) at or above a share of its maximum: pixels that touch by side or corner
 * are of one object. The largest share of the energy first, ties in row-major order of their first pixels; none in a
 * map that is zero everywhere.
 * @throws SessError `OPTION_INVALID`
 */
export async function objectsOf(map: Plane, options: ObjectsOptions = {}): Promise<readonly MapObject[]> {
  const { threshold, minShare } = checkObjects(options)
  const { total, maximum } = await statisticsOf(map.data)
  if (!(maximum > 0)) return []
  const tallies = await tallied(map, threshold * maximum)
  return tallies
    .map((tally) => objectOf(tally, total))
    .filter(({ share }) => share >= minShare)
    .sort((a, b) => b.share - a.share)
}

async function statisticsOf(data: Float32Array): Promise<{ readonly total: number; readonly maximum: number }> {
  let [total, maximum] = [0, 0]
  for (let i = 0; i < data.length; i++) {
    if (i % TURN === TURN - 1) await yieldToLoop()
    const value = data[i] ?? 0
    total += value
    if (value > maximum) maximum = value
  }
  return { total, maximum }
}

/** What is counted of an object while its pixels come by. */
interface Tally {
  top: number
  bottom: number
  left: number
  right: number
  pixels: number
  sum: number
  /** Sums of coordinates, each times the value. */
  sumY: number
  sumX: number
  peak: number
  peakY: number
  peakX: number
}

/** The objects' tallies, in row-major order of their first pixels. */
async function tallied({ data, height, width }: Plane, least: number): Promise<readonly Tally[]> {
  const labels = new Labels()
  const marks = await labelled({ data, height, width }, least, labels)
  const tallies = new Map<number, Tally>()
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (i % TURN === TURN - 1) await yieldToLoop()
      const mark = marks[i] ?? 0
      if (mark === 0) continue
      const root = labels.rootOf(mark)
      const known = tallies.get(root)
      const tally = known ?? emptyTally(y, x)
      if (known === undefined) tallies.set(root, tally)
      count(tally, y, x, data[i] ?? 0)
    }
  }
  return [...tallies.values()]
}

/** A label from 1 for each pixel from `least` up, 0 for the others; labels that meet have one root. */
async function labelled({ data, height, width }: Plane, least: number, labels: Labels): Promise<Int32Array> {
  const marks = new Int32Array(height * width)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (i % TURN === TURN - 1) await yieldToLoop()
      if (!((data[i] ?? 0) >= least)) continue
      // Neighbours that have come before: left, and the three above
      const left = x > 0 ? (marks[i - 1] ?? 0) : 0
      const above = y > 0 ? (marks[i - width] ?? 0) : 0
      const aboveLeft = y > 0 && x > 0 ? (marks[i - width - 1] ?? 0) : 0
      const aboveRight = y > 0 && x + 1 < width ? (marks[i - width + 1] ?? 0) : 0
      const mark = above || aboveLeft || left || aboveRight || labels.make()
      marks[i] = mark
      // Of the others each two are neighbours where they can meet here, and one already
      if (aboveRight !== 0) labels.join(aboveRight, mark)
    }
  }
  return marks
}

/** Labels from 1, of which some are found to be one (union-find). */
class Labels {
  readonly #parents: number[] = [0]

  make(): number {
    return this.#parents.push(this.#parents.length) - 1
  }

  rootOf(label: number): number {
    let root = label
    while ((this.#parents[root] ?? root) !== root) root = this.#parents[root] ?? root
    for (let at = label; at !== root; ) {
      const next = this.#parents[at] ?? root
      this.#parents[at] = root
      at = next
    }
    return root
  }

  join(a: number, b: number): void {
    const [one, other] = [this.rootOf(a), this.rootOf(b)]
    if (one !== other) this.#parents[Math.max(one, other)] = Math.min(one, other)
  }
}

function emptyTally(y: number, x: number): Tally {
  return { top: y, bottom: y, left: x, right: x, pixels: 0, sum: 0, sumY: 0, sumX: 0, peak: 0, peakY: y, peakX: x }
}

function count(tally: Tally, y: number, x: number, value: number): void {
  tally.bottom = y
  tally.left = Math.min(tally.left, x)
  tally.right = Math.max(tally.right, x)
  tally.pixels++
  tally.sum += value
  tally.sumY += value * (y + 0.5)
  tally.sumX += value * (x + 0.5)
  if (value <= tally.peak) return
  tally.peak = value
  tally.peakY = y
  tally.peakX = x
}

function objectOf(tally: Tally, total: number): MapObject {
  const { top, bottom, left, right, pixels, sum, sumY, sumX, peak, peakY, peakX } = tally
  return {
    box: { y: top, x: left, height: bottom + 1 - top, width: right + 1 - left },
    centroid: { y: sumY / sum, x: sumX / sum },
    pixels,
    share: sum / total,
    peak: { y: peakY, x: peakX, value: peak },
  }
}
