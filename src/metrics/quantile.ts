import { fromTheTop, sum, tallyLower, tallyUpper } from './tally.ts'

/**
 * The smallest value of a map that at least the share `q` of its pixels do not exceed: an order statistic, exact.
 * @param map values from 0
 * @param q 0 to below 1
 */
export async function quantile(map: Float32Array, q: number): Promise<number> {
  const fromTop = map.length - Math.max(1, Math.ceil(map.length * q)) + 1
  const upper = await tallyUpper(map)
  if (sum(upper.counts) < fromTop) return 0
  const coarse = fromTheTop(upper, fromTop)
  const lower = await tallyLower(map, coarse.bin)
  const fine = fromTheTop(lower, fromTop - coarse.count)
  return new Float32Array(Uint32Array.of(coarse.bin * 0x10000 + fine.bin).buffer)[0] ?? 0
}
