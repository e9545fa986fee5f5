import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Plane } from '../io/npy.ts'

/** A plane, each of whose values is the mean of `factor` x `factor` pixels, fewer at the lower and right edge. */
interface ReducedPlane extends Plane {
  readonly factor: number
}

/** Pixels between two turns of the event loop: about a millisecond. */
const TURN = 1 << 18

/** The smallest factor that leaves at most `most` values. */
export function factorFor({ height, width }: Pick<Plane, 'height' | 'width'>, most: number): number {
  let factor = Math.max(1, Math.floor(Math.sqrt((height * width) / most)))
  while (Math.ceil(height / factor) * Math.ceil(width / factor) > most && factor < Math.max(height, width)) factor++
  return factor
}

/** Area means; the plane itself where the factor is 1. */
export async function reduced(plane: Plane, factor: number): Promise<ReducedPlane> {
  if (factor === 1) return { ...plane, factor }
  const height = Math.ceil(plane.height / factor)
  const width = Math.ceil(plane.width / factor)
  const data = new Float32Array(height * width)
  const sums = new Float64Array(width)
  const rowsOfTurn = Math.max(1, Math.floor(TURN / (factor * plane.width)))
  for (let y = 0; y < height; y++) {
    if (y % rowsOfTurn === rowsOfTurn - 1) await yieldToLoop()
    const rows = Math.min(factor, plane.height - y * factor)
    sums.fill(0)
    for (let row = 0; row < rows; row++) addRow(plane, y * factor + row, factor, sums)
    for (let x = 0; x < width; x++) {
      const columns = Math.min(factor, plane.width - x * factor)
      data[y * width + x] = (sums[x] ?? 0) / (rows * columns)
    }
  }
  return { data, height, width, factor }
}

function addRow({ data, width }: Plane, y: number, factor: number, sums: Float64Array): void {
  const start = y * width
  for (let x = 0, left = 0; left < width; x++, left += factor) {
    let sum = 0
    for (let column = left; column < Math.min(left + factor, width); column++) sum += data[start + column] ?? 0
    sums[x] = (sums[x] ?? 0) + sum
  }
}
