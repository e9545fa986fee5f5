import { describe, expect, it } from 'vitest'
import { factorFor, reduced } from '../../src/report/reduce.ts'

const sizes = [
  [1, 1],
  [1, 7],
  [9, 1],
  [13, 17],
  [40, 30],
  [3, 3000],
] as const

describe.each(sizes)('a map of %i x %i', (height, width) => {
  const data = Float32Array.from({ length: height * width }, (_, i) => ((i * 7919) % 1000) / 1000)

  it.each([1, 2, 3, 5, 64])('reduced by %i has the means of squares', async (factor) => {
    const small = await reduced({ data, height, width }, factor)
    expect([small.height, small.width]).toEqual([Math.ceil(height / factor), Math.ceil(width / factor)])
    for (let y = 0; y < small.height; y++) {
      for (let x = 0; x < small.width; x++) {
        const square: number[] = []
        for (let row = y * factor; row < Math.min(height, (y + 1) * factor); row++) {
          for (let column = x * factor; column < Math.min(width, (x + 1) * factor); column++) {
            square.push(data[row * width + column] ?? Number.NaN)
          }
        }
        const mean = square.reduce((sum, value) => sum + value, 0) / square.length
        expect(small.data[y * small.width + x]).toBeCloseTo(mean, 6)
      }
    }
  })

  it.each([1, 2, 10, 100, 1e6])('takes the smallest factor that leaves at most %i values', (most) => {
    const count = (factor: number) => Math.ceil(height / factor) * Math.ceil(width / factor)
    const factor = factorFor({ height, width }, most)
    expect(count(factor)).toBeLessThanOrEqual(most)
    if (factor > 1) expect(count(factor - 1)).toBeGreaterThan(most)
  })
})

it('what is not finite stays so, and only there', async () => {
  const { data } = await reduced({ data: Float32Array.of(Number.NaN, 0.5, 0.25, 0.75), height: 1, width: 4 }, 2)
  expect([...data]).toEqual([Number.NaN, 0.5])
})

it('a map that is not reduced is the map itself', async () => {
  const data = Float32Array.of(1, 2)
  expect((await reduced({ data, height: 1, width: 2 }, 1)).data).toBe(data)
})
