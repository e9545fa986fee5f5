import { setImmediate as yieldToLoop } from 'node:timers/promises'

/** Samples between two turns of the event loop: a few milliseconds. */
const TURN = 1 << 18

/** Values by 16 of their bits: how many, and their sum. */
interface Tally {
  readonly counts: Float64Array
  readonly sums: Float64Array
}

/**
 * Share of a map's energy (the sum of its values) that lies in its most salient pixels: `percent` / 100 for a map that
 * is flat, up to 1 for one that is concentrated there. Null for a map that is zero everywhere.
 * @param map values from 0
 * @param percent of the pixels, rounded up to whole ones; above 0 to 100
 */
export async function topShare(map: Float32Array, percent: number): Promise<number | null> {
  const wanted = Math.ceil((map.length * percent) / 100)
  // Bits of floats from 0 grow with the floats: the upper halves find where the last wanted pixel is, the lower ones which.
  const bits = new Uint32Array(map.buffer, map.byteOffset, map.length)
  const upper = await tally(map, (i) => (bits[i] ?? 0) >>> 16)
  const total = sum(upper.sums)
  if (!(total > 0)) return null
  if (sum(upper.counts) <= wanted) return 1
  const coarse = fromTheTop(upper, wanted)
  const lower = await tally(map, (i) => {
    const word = bits[i] ?? 0
    return word >>> 16 === coarse.bin ? word & 0xffff : undefined
  })
  const fine = fromTheTop(lower, wanted - coarse.count)
  const last = (lower.sums[fine.bin] ?? 0) / (lower.counts[fine.bin] ?? 1)
  return Math.min(1, (coarse.sum + fine.sum + (wanted - coarse.count - fine.count) * last) / total)
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

/** The bin that the `wanted`-th largest value is in, with number and sum of the values above that bin. */
function fromTheTop({ counts, sums }: Tally, wanted: number) {
  let [count, sum] = [0, 0]
  for (let bin = counts.length - 1; bin > 0; bin--) {
    if (count + (counts[bin] ?? 0) >= wanted) return { bin, count, sum }
    count += counts[bin] ?? 0
    sum += sums[bin] ?? 0
  }
  return { bin: 0, count, sum }
}

function sum(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0)
}
