import { describe, expect, it } from 'vitest'
import { scoreWindows } from '../../src/sess/scores.ts'

const logs = (...p: number[]) => Float64Array.from(p, Math.log)
const peaks = (n: number) => new Float32Array(n).fill(1)

describe('scores of windows', () => {
  it('weighs by the largest probability of all windows, the dropped ones included', () => {
    const { weight, probability, kept } = scoreWindows(logs(0.1, 0.4, 0.2), peaks(3), 0)
    expect([...weight]).toEqual([0.25, 1, 0.5].map(Math.fround))
    expect(probability[1]).toBeCloseTo(0.4, 12)
    expect(kept).toEqual([0, 1, 2])
  })

  it('is defined where every probability underflows, and no weight is zero', () => {
    const { weight } = scoreWindows(Float64Array.of(-2000, -2001, -5000), peaks(3), 0)
    expect(weight[0]).toBe(1)
    expect(weight[1]).toBeCloseTo(Math.exp(-1), 6)
    expect(weight[2]).toBe(Math.fround(1e-30))
  })

  it.each([
    [0, 100],
    [0.29, 72],
    [0.5, 50],
    [0.99, 1],
    [0.999, 1],
  ])('a pre-filter of %f keeps %i of 100', (ratio, count) => {
    const p = Float64Array.from({ length: 100 }, (_, i) => Math.log((i + 1) / 1000))
    const { kept } = scoreWindows(p, peaks(100), ratio)
    expect(kept).toEqual(Array.from({ length: count }, (_, k) => 100 - count + k))
  })

  it('drops the lowest index first among equal probabilities', () => {
    expect(scoreWindows(logs(0.3, 0.1, 0.1, 0.1), peaks(4), 0.5).kept).toEqual([0, 3])
  })

  it('takes windows that are not finite out of maximum, count and order, and reports them', () => {
    const p = logs(0.1, Number.NaN, 0.2, 0.4)
    const { kept, weight, nonfinite } = scoreWindows(p, Float32Array.of(1, 1, Number.NaN, 1), 0.34)
    expect(weight[3]).toBe(1)
    expect(weight[1]).toBe(0)
    expect(kept).toEqual([3]) // of 3 finite ones, floor(3 * 0.34) = 1 is dropped; window 2's map is not finite
    expect(nonfinite).toEqual([1, 2])
  })

  it('refuses a model whose windows are all not finite', () => {
    const nan = Float64Array.of(Number.NaN, Number.NaN)
    expect(() => scoreWindows(nan, peaks(2), 0)).toThrow(expect.objectContaining({ code: 'MODEL_NONFINITE' }))
    const noMaps = Float32Array.of(Number.NaN, Number.NaN)
    expect(() => scoreWindows(logs(0.5, 0.5), noMaps, 0)).toThrow(expect.objectContaining({ code: 'MODEL_NONFINITE' }))
  })
})
