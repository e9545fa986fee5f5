import { describe, expect, it } from 'vitest'
import { bandsOf, largestBand } from '../../src/sess/bands.ts'
import { makePlan } from '../../src/sess/plan.ts'

const options = { antialias: true, sess: true, batch: 1, passes: 1, maxWindows: 100_000 }

describe('bands of a level', () => {
  it.each([
    ['a square level', 64, 64, [64, 100], 64, 5000],
    ['a wide strip', 16, 3000, [16, 48], 7, 2000],
    ['a tall strip', 3000, 16, [20], 16, 1000],
    ['less room than one window', 100, 100, [100], 10, 1],
    ['one window', 16, 16, [16], 16, 256],
  ])(
    '%s: every window once, inside its band, the band within the limit',
    (_, height, width, scales, step, maxPixels) => {
      const window = { height: 16, width: 16 }
      const plan = makePlan({ height, width }, window, {
        ...options,
        scales,
        step: [Math.min(step, 16), Math.min(step, 16)],
      })
      for (const [level, size] of plan.levels.entries()) {
        const windows = plan.windows.filter((w) => w.level === level)
        const bands = bandsOf(level, windows, window, maxPixels)
        expect(bands.flatMap((band) => band.windows).sort((a, b) => a.index - b.index)).toEqual(windows)
        for (const { rect, windows: inside } of bands) {
          expect(rect.height * rect.width).toBeLessThanOrEqual(Math.max(maxPixels, 256))
          expect(rect.y + rect.height).toBeLessThanOrEqual(size.height)
          expect(rect.x + rect.width).toBeLessThanOrEqual(size.width)
          for (const { y, x } of inside) {
            expect(y).toBeGreaterThanOrEqual(rect.y)
            expect(x).toBeGreaterThanOrEqual(rect.x)
            expect(y + 16).toBeLessThanOrEqual(rect.y + rect.height)
            expect(x + 16).toBeLessThanOrEqual(rect.x + rect.width)
          }
        }
      }
    },
  )

  it('of windows of two steps: every window once, inside its band, the band within the limit', () => {
    const window = { height: 16, width: 16 }
    const size = { height: 90, width: 75 }
    const places = new Map(
      [7, 10].flatMap((step) => {
        const { windows } = makePlan(size, window, { ...options, scales: [75], step: [step, step] })
        return windows.map(({ y, x }) => [`${y} ${x}`, { y, x }] as const)
      }),
    )
    const windows = [...places.values()]
      .sort((a, b) => a.y - b.y || a.x - b.x)
      .map((place, index) => ({ index, level: 0, ...place }))
    const bands = bandsOf(0, windows, window, 800)
    expect(bands.flatMap((band) => band.windows).sort((a, b) => a.index - b.index)).toEqual(windows)
    for (const { rect, windows: inside } of bands) {
      expect(rect.height * rect.width).toBeLessThanOrEqual(800)
      for (const { y, x } of inside) {
        expect([y >= rect.y, y + 16 <= rect.y + rect.height]).toEqual([true, true])
        expect([x >= rect.x, x + 16 <= rect.x + rect.width]).toEqual([true, true])
      }
    }
  })

  it('does not grow with the longer side of the level', () => {
    const window = { height: 224, width: 224 }
    const strip = makePlan({ height: 20, width: 3000 }, window, { ...options, scales: 12, step: undefined })
    expect(largestBand(strip.levels, window)).toBeLessThanOrEqual(1 << 20)
    const bands = strip.levels.flatMap((_, level) =>
      bandsOf(
        level,
        strip.windows.filter((w) => w.level === level),
        window,
      ),
    )
    expect(Math.max(...bands.map(({ rect }) => rect.height * rect.width))).toBeLessThanOrEqual(1 << 20)
    expect(bands.flatMap((band) => band.windows)).toHaveLength(strip.windows.length)
  })
})
