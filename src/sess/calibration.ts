import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Size } from '../native.ts'
import type { PlannedWindow } from './geometry.ts'

/** Where the photo's pixels lie on a line of a level: between `left`, which may be -1, and the sample after it. */
interface Axis {
  readonly left: Int32Array
  readonly fraction: Float64Array
}

/** Where the photo's pixels lie on a level. */
export interface Calibration {
  readonly level: Size
  readonly rows: Axis
  readonly columns: Axis
}

/** Pixels centred at half-integers, positions from whole numbers (semantics, section 2). */
export function calibrationOf(level: Size, photo: Size): Calibration {
  return { level, rows: axisOf(level.height, photo.height), columns: axisOf(level.width, photo.width) }
}

function axisOf(samples: number, pixels: number): Axis {
  const left = new Int32Array(pixels)
  const fraction = new Float64Array(pixels)
  for (let i = 0; i < pixels; i++) {
    const numerator = (2 * i + 1) * samples - pixels
    const floor = Math.floor(numerator / (2 * pixels))
    left[i] = floor
    fraction[i] = (numerator - floor * 2 * pixels) / (2 * pixels)
  }
  return { left, fraction }
}

/** Pixels between two turns of the event loop: well under a millisecond. */
export const TURN = 1 << 17

/**
 * What reading a level at the photo's pixels, times `values` (H x W) there, makes each sample of the level count: the
 * sum over the photo of `values` times what is read is the sum over the level of samples times these.
 */
export async function collapsed(values: Float32Array, { level, rows, columns }: Calibration): Promise<Float32Array> {
  const [height, width] = [rows.left.length, columns.left.length]
  const out = new Float32Array(level.height * level.width)
  const line = new Float64Array(level.width + 2) // one sample more at each end
  const rowsOfTurn = Math.ceil(TURN / width)
  for (let y = 0; y < height; y++) {
    if (y % rowsOfTurn === rowsOfTurn - 1) await yieldToLoop()
    line.fill(0)
    for (let x = 0; x < width; x++) {
      const value = values[y * width + x] ?? 0
      const at = (columns.left[x] ?? 0) + 1
      const later = value * (columns.fraction[x] ?? 0)
      line[at] = (line[at] ?? 0) + value - later
      line[at + 1] = (line[at + 1] ?? 0) + later
    }
    line[1] = (line[1] ?? 0) + (line[0] ?? 0)
    line[level.width] = (line[level.width] ?? 0) + (line[level.width + 1] ?? 0)
    const upper = rows.left[y] ?? 0
    const fraction = rows.fraction[y] ?? 0
    addLine(line, 1 - fraction, out, Math.max(upper, 0), level.width)
    addLine(line, fraction, out, Math.min(upper + 1, level.height - 1), level.width)
  }
  return out
}

function addLine(line: Float64Array, factor: number, out: Float32Array, row: number, width: number): void {
  for (let x = 0; x < width; x++) out[row * width + x] = (out[row * width + x] ?? 0) + factor * (line[x + 1] ?? 0)
}

/** A window on the empty canvas of its level, read at the photo's pixels: rows [top, bottom), columns [left, right). */
export class PlacedWindow {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
  readonly #calibration: Calibration
  readonly #window: PlannedWindow
  readonly #size: Size
  /** A row of the window with one sample more at each end. */
  readonly #line: Float64Array

  constructor(calibration: Calibration, window: PlannedWindow, size: Size) {
    const { rows, columns } = calibration
    this.top = firstFrom(rows.left, window.y - 1)
    this.bottom = firstFrom(rows.left, window.y + size.height)
    this.left = firstFrom(columns.left, window.x - 1)
    this.right = firstFrom(columns.left, window.x + size.width)
    this.#calibration = calibration
    this.#window = window
    this.#size = size
    this.#line = new Float64Array(size.width + 2)
  }

  /** The window's map (height x width), times `weight`, along row `y` of the photo: `out[j]` is column `left + j`. */
  row(map: Float32Array, weight: number, y: number, out: Float32Array): void {
    this.#fillLine(map, y)
    const { left, fraction } = this.#calibration.columns
    const line = this.#line
    const before = this.#window.x - 1
    for (let x = this.left; x < this.right; x++) {
      const at = (left[x] ?? 0) - before
      const a = line[at] ?? 0
      out[x - this.left] = weight * (a + (fraction[x] ?? 0) * ((line[at + 1] ?? 0) - a))
    }
  }

  /** The sum of the window's map times what its samples count, `counts` being those of the level. */
  dot(map: Float32Array, counts: Float32Array): number {
    const { height, width } = this.#size
    const { y, x } = this.#window
    let sum = 0
    for (let row = 0; row < height; row++) {
      const start = (y + row) * this.#calibration.level.width + x
      for (let i = 0; i < width; i++) sum += (map[row * width + i] ?? 0) * (counts[start + i] ?? 0)
    }
    return sum
  }

  #fillLine(map: Float32Array, y: number): void {
    const { level, rows } = this.#calibration
    const { width } = this.#size
    const line = this.#line
    const upper = this.#samplesAt(map, rows.left[y] ?? 0)
    const lower = this.#samplesAt(map, (rows.left[y] ?? 0) + 1)
    const fraction = rows.fraction[y] ?? 0
    for (let x = 0; x < width; x++) {
      const a = upper?.[x] ?? 0
      line[x + 1] = a + fraction * ((lower?.[x] ?? 0) - a)
    }
    // Beyond the level its edge is repeated; inside it the canvas is empty
    line[0] = this.#window.x === 0 ? (line[1] ?? 0) : 0
    line[width + 1] = this.#window.x + width === level.width ? (line[width] ?? 0) : 0
  }

  /** The window's samples along row `y` of the level, whose edges are repeated; undefined where it has none. */
  #samplesAt(map: Float32Array, y: number): Float32Array | undefined {
    const { height, width } = this.#size
    const row = Math.min(Math.max(y, 0), this.#calibration.level.height - 1) - this.#window.y
    return row >= 0 && row < height ? map.subarray(row * width, (row + 1) * width) : undefined
  }
}

/** The first place of ascending numbers that holds at least `value`. */
function firstFrom(ascending: Int32Array, value: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
