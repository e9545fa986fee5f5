import { expect, it } from 'vitest'
import { quantile } from '../../src/metrics/quantile.ts'

/** Numbers in [0, 1) from a multiplicative generator, the same in every run. */
function numbers(length: number): Float32Array {
  let state = 11
  return Float32Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  })
}

it.each<[string, Float32Array]>([
  ['one pixel', Float32Array.of(0.3)],
  ['an odd number', numbers(1237)],
  ['more than a turn of the event loop', numbers(300_001)],
  ['half zeros', numbers(1000).map((value) => Math.max(0, value - 0.5))],
  ['zeros', new Float32Array(9)],
  ['a plateau', new Float32Array(100).fill(0.25)],
  ['values a bit apart', Float32Array.from({ length: 50 }, (_, i) => 0.5 + i * 2 ** -24)],
  ['the smallest floats', Float32Array.from({ length: 64 }, (_, i) => i * 2 ** -149)],
])('the quantiles of %s are those of the sorted values', async (_, map) => {
  const sorted = Float32Array.from(map).sort()
  for (const q of [0, 0.1, 0.5, 0.9, 0.99, 0.9999]) {
    expect(await quantile(map, q)).toBe(sorted[Math.max(1, Math.ceil(map.length * q)) - 1])
  }
})
