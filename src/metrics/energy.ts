import { fromTheTop, sum, tallyLower, tallyUpper } from './tally.ts'

/**
 * Share of a map's energy (the sum of its values) that lies in its most salient pixels: `percent` / 100 for a map that
 * is flat, up to 1 for one that is concentrated there. Null for a map that is zero everywhere.
 * @param map values from 0
 * @param percent of the pixels, rounded up to whole ones; above 0 to 100
 */
export async function topShare(map: Float32Array, percent: number): Promise<number | null> {
  const wanted = Math.ceil((map.length * percent) / 100)
  const upper = await tallyUpper(map)
  const total = sum(upper.sums)
  if (!(total > 0)) return null
  if (sum(upper.counts) <= wanted) return 1
  const coarse = fromTheTop(upper, wanted)
  const lower = await tallyLower(map, coarse.bin)
  const fine = fromTheTop(lower, wanted - coarse.count)
  const last = (lower.sums[fine.bin] ?? 0) / (lower.counts[fine.bin] ?? 1)
  return Math.min(1, (coarse.sum + fine.sum + (wanted - coarse.count - fine.count) * last) / total)
}
