import { describe, expect, it } from 'vitest'
import { robustness, type ScoredWindow } from '../../src/metrics/robustness.ts'

/** Numbers in [0, 1) from a multiplicative generator, the same in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** A quantile as numpy's default has it, by definition: at (n - 1) q, between neighbours. */
function plainQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const [low = Number.NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return low + (high - low) * (at - Math.floor(at))
}

const window = (index: number, level: number, weight: number, more: Partial<ScoredWindow> = {}): ScoredWindow => ({
  ...{ index, level, weight, probability: weight * 0.8, kept: true, box: { x: 0, y: 0, width: 10, height: 10 } },
  ...more,
})
const nonfinite = { probability: Number.NaN, weight: 0, kept: false }
const none = { windows: 0, high: 0, share: null }

describe('robustness', () => {
  it('is what a plain computation over all windows gives', async () => {
    const next = generator(5)
    const scales = [32, 41, 50, 59, 68]
    const windows = Array.from({ length: 9001 }, (_, index): ScoredWindow => {
      const probability = next() < 0.05 ? Number.NaN : next()
      const box = { x: 90 * next(), y: 60 * next(), width: 5 + 40 * next(), height: 5 + 40 * next() }
      return { index, level: index % 5, box, probability, weight: probability || 0, kept: next() < 0.5 }
    })
    const best = Math.max(...windows.map(({ probability }) => probability || 0))
    const weighed = windows.map((one) => ({ ...one, weight: (one.probability || 0) / best }))
    const peak = { x: 47, y: 31, value: 0.9 }
    const found = await robustness(scales, weighed, peak)
    expect(found.best).toEqual({ index: windows.findIndex(({ probability }) => probability === best), score: best })
    expect(found.peak).toBe(peak)
    let [withPeak, high] = [0, 0]
    for (const [level, scale] of scales.entries()) {
      const all = weighed.filter((one) => one.level === level)
      const scored = all.filter(({ probability }) => !Number.isNaN(probability))
      const seeing = scored.filter(
        ({ box }) => box.x <= 47.5 && 47.5 < box.x + box.width && box.y <= 31.5 && 31.5 < box.y + box.height,
      )
      const seeingHigh = seeing.filter(({ probability }) => probability > best / 2)
      const { score, weight, ...counts } = found.scales[level] ?? {}
      expect(counts).toEqual({
        ...{ scale, windows: all.length, scored: scored.length, dropped: all.filter(({ kept }) => !kept).length },
        atPeak: { windows: seeing.length, high: seeingHigh.length, share: seeingHigh.length / seeing.length },
      })
      for (const [name, q] of [['q1', 0.25] as const, ['median', 0.5] as const, ['q3', 0.75] as const]) {
        const plain = (of: (one: ScoredWindow) => number) => plainQuantile(scored.map(of), q)
        expect(score?.[name]).toBeCloseTo(
          plain(({ probability }) => probability),
          12,
        )
        expect(weight?.[name]).toBeCloseTo(
          plain((one) => one.weight),
          12,
        )
      }
      withPeak += seeing.length
      high += seeingHigh.length
    }
    expect(high).toBeGreaterThan(0)
    expect(high).toBeLessThan(withPeak)
    expect(found.atPeak).toEqual({ windows: withPeak, high, share: high / withPeak })
  })

  it('counts windows over half of the best, not those at half', async () => {
    const windows = [window(0, 0, 1), window(1, 0, 0.5), window(2, 0, 0.5000001)]
    const { atPeak } = await robustness([10], windows, { x: 3, y: 3, value: 1 })
    expect(atPeak).toEqual({ windows: 3, high: 2, share: 2 / 3 })
  })

  it('a window contains the peak where the pixel’s centre lies in it: the lower ends of a box are part of it', async () => {
    const boxes = [
      { x: 3.5, y: 0, width: 4, height: 9 },
      { x: 0, y: 4.5, width: 9, height: 4 },
      { x: 0, y: 0, width: 3.5, height: 9 },
      { x: 0, y: 0, width: 9, height: 4.5 },
      { x: 3.6, y: 0, width: 4, height: 9 },
    ]
    const inside = await Promise.all(
      boxes.map(async (box) => (await robustness([9], [window(0, 0, 1, { box })], { x: 3, y: 4, value: 1 })).atPeak),
    )
    expect(inside.map(({ windows }) => windows)).toEqual([1, 1, 0, 0, 0])
  })

  it('a map without a peak has no windows that contain it', async () => {
    const found = await robustness([10], [window(0, 0, 1)], null)
    expect(found).toMatchObject({ peak: null, atPeak: none, best: { index: 0, score: 0.8 } })
    expect(found.scales[0]?.atPeak).toEqual(none)
  })

  it('leaves windows out whose score is not finite, and has no quartiles where none is', async () => {
    const windows = [window(0, 0, 0, nonfinite), window(1, 1, 0, nonfinite), window(2, 1, 0.25)]
    const found = await robustness([10, 20], windows, { x: 0, y: 0, value: 1 })
    expect(found.best).toEqual({ index: 2, score: 0.2 })
    expect(found.scales).toEqual([
      { scale: 10, windows: 1, scored: 0, dropped: 1, score: null, weight: null, atPeak: none },
      {
        ...{ scale: 20, windows: 2, scored: 1, dropped: 1 },
        score: { q1: 0.2, median: 0.2, q3: 0.2 },
        weight: { q1: 0.25, median: 0.25, q3: 0.25 },
        atPeak: { windows: 1, high: 0, share: 0 },
      },
    ])
    expect((await robustness([10], [window(0, 0, 0, nonfinite)], null)).best).toBeNull()
  })

  it('a window that a pre-filter drops still has its score', async () => {
    const windows = [window(0, 0, 1), window(1, 0, 0.75, { kept: false })]
    const { scales, atPeak } = await robustness([10], windows, { x: 1, y: 1, value: 1 })
    expect(scales[0]).toMatchObject({ scored: 2, dropped: 1, weight: { median: 0.875 } })
    expect(atPeak).toEqual({ windows: 2, high: 2, share: 1 })
  })

  it('of several best windows takes the first, also where every score is zero', async () => {
    const zero = { probability: 0 }
    expect((await robustness([9], [window(0, 0, 1, zero), window(1, 0, 1, zero)], null)).best).toEqual({
      index: 0,
      score: 0,
    })
  })
})
