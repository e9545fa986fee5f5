import { describe, expect, it } from 'vitest'
import { topShare } from '../../src/metrics/energy.ts'

function plain(map: Float32Array, percent: number): number {
  const descending = [...map].sort((a, b) => b - a)
  const total = descending.reduce((sum, value) => sum + value, 0)
  const top = descending.slice(0, Math.ceil((map.length * percent) / 100))
  return top.reduce((sum, value) => sum + value, 0) / total
}

/** Numbers in [0, 1) from a multiplicative generator, the same in every run. */
function numbers(length: number): Float32Array {
  let state = 7
  return Float32Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  })
}

describe('the share of energy in the most salient pixels', () => {
  it.each<[string, Float32Array, number]>([
    ['one pixel', Float32Array.of(0.3), 10],
    ['fewer pixels than a tenth', numbers(7), 10],
    ['an odd number', numbers(1237), 10],
    ['more than a turn of the event loop', numbers(300_001), 10],
    ['all pixels', numbers(100), 100],
    ['a plateau across the bound', Float32Array.from({ length: 100 }, (_, i) => (i < 40 ? 0.5 : 0.25)), 10],
    ['values a bit apart', Float32Array.from({ length: 50 }, (_, i) => 0.5 + i * 2 ** -24), 30],
    ['mostly zero', Float32Array.from({ length: 100 }, (_, i) => (i === 3 ? 0.125 : 0)), 10],
    ['the smallest floats', Float32Array.from({ length: 64 }, (_, i) => i * 2 ** -149), 10],
    ['cubes', numbers(5000).map((value) => value ** 3), 10],
  ])('of %s', async (_, map, percent) => {
    expect(await topShare(map, percent)).toBeCloseTo(plain(map, percent), 10)
  })

  it('of part of a buffer reads that part alone', async () => {
    const buffer = Float32Array.of(9, 9, 9, 1, 3)
    expect(await topShare(buffer.subarray(3), 50)).toBeCloseTo(0.75, 12)
  })

  it('of a flat map is the share of the pixels', async () => {
    expect(await topShare(new Float32Array(1000).fill(0.7), 10)).toBeCloseTo(0.1, 12)
  })

  it.each([0, 1, 100])('of %i zeros there is none', async (length) => {
    expect(await topShare(new Float32Array(length), 10)).toBeNull()
  })
})
