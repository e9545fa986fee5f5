import { setImmediate as yieldToLoop } from 'node:timers/promises'

/** Samples between two turns of the event loop: a few milliseconds. */
const TURN = 1 << 18

/** Values by 16 of their bits: how many, and their sum. */
interface Tally {
  readonly counts: Float64Array
  readonly sums: Float64Array
}

/** Bits of floats from 0 grow with the floats: the upper halves find where an order statistic is, the lower ones which. */
function bitsOf(map: Float32Array): Uint32Array {
  return new Uint32Array(map.buffer, map.byteOffset, map.length)
}

/** Adds up the values above 0 by the bin that each is in; those without one are left out. */
async function tally(map: Float32Array, binOf: (i: number) => number | undefined): Promise<Tally> {
  const counts = new Float64Array(1 << 16)
  const sums = new Float64Array(1 << 16)
  for (let start = 0; start < map.length; start += TURN) {
    if (start > 0) await yieldToLoop()
    const end = Math.min(start + TURN, map.length)
    for (let i = start; i < end; i++) {
      const value = map[i] ?? 0
      const bin = value > 0 ? binOf(i) : undefined
      if (bin === undefined) continue
      counts[bin] = (counts[bin] ?? 0) + 1
      sums[bin] = (sums[bin] ?? 0) + value
    }
  }
  return { counts, sums }
}

/** The values above 0 by the upper halves of their bits. */
export function tallyUpper(map: Float32Array): Promise<Tally> {
  const bits = bitsOf(map)
  return tally(map, (i) => (bits[i] ?? 0) >>> 16)
}

/** Those whose upper half is `upper`, by their lower halves. */
export function tallyLower(map: Float32Array, upper: number): Promise<Tally> {
  const bits = bitsOf(map)
  return tally(map, (i) => {
    const word = bits[i] ?? 0
    return word >>> 16 === upper ? word & 0xffff : undefined
  })
}

/** The bin that the `wanted`-th largest value is in, with number and sum of the values above that bin. */
export function fromTheTop({ counts, sums }: Tally, wanted: number) {
  let [count, sum] = [0, 0]
  for (let bin = counts.length - 1; bin > 0; bin--) {
    if (count + (counts[bin] ?? 0) >= wanted) return { bin, count, sum }
    count += counts[bin] ?? 0
    sum += sums[bin] ?? 0
  }
  return { bin: 0, count, sum }
}

export function sum(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0)
}
