import { describe, expect, it } from 'vitest'
import { mapDifference } from '../../src/bundle/map-difference.ts'

const plane = (height: number, width: number, value: (i: number) => number) => ({
  data: Float32Array.from({ length: height * width }, (_, i) => value(i)),
  height,
  width,
})
const wave = (seed: number) => (i: number) => 0.5 + 0.5 * Math.sin(i * 0.37 + seed)

const least = (values: readonly number[]) => values.reduce((low, v) => Math.min(low, v), Number.POSITIVE_INFINITY)

/** Two passes over arrays, as one would write it on paper. */
function plain(a: Float32Array, b: Float32Array, width: number, tolerance: number) {
  const differences = [...a].map((v, i) => Math.abs(v - (b[i] ?? 0)))
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length
  const [ma, mb] = [mean([...a]), mean([...b])]
  const covariance = mean([...a].map((v, i) => (v - ma) * ((b[i] ?? 0) - mb)))
  const deviation = (values: Float32Array, m: number) => Math.sqrt(mean([...values].map((v) => (v - m) ** 2)))
  const over = differences.flatMap((d, i) => (d > tolerance ? [i] : []))
  const [xs, ys] = [over.map((i) => i % width), over.map((i) => Math.floor(i / width))]
  const maximum = differences.reduce((most, d) => Math.max(most, d))
  return {
    maximum,
    mean: mean(differences),
    share: over.length / a.length,
    correlation: covariance / (deviation(a, ma) * deviation(b, mb)),
    place: differences.indexOf(maximum),
    box: [least(xs), least(ys), -least(xs.map((x) => -x)), -least(ys.map((y) => -y))],
  }
}

describe('the difference of two maps', () => {
  it.each([
    [1, 2],
    [7, 1],
    [13, 29],
    [331, 409],
  ])('of %i x %i is that of plain loops', async (height, width) => {
    const [a, b] = [plane(height, width, wave(0)), plane(height, width, (i) => wave(0)(i) + (i % 5 === 2 ? 0.1 : 1e-4))]
    const expected = plain(a.data, b.data, width, 1e-3)
    const found = await mapDifference(a, b, 1e-3)
    expect(found.maximum).toBe(expected.maximum)
    expect(found.mean).toBeCloseTo(expected.mean, 12)
    expect(found.share).toBe(expected.share)
    expect(found.correlation).toBeCloseTo(expected.correlation, 9)
    expect(found.at.y * width + found.at.x).toBe(expected.place)
    expect([found.at.recorded, found.at.found]).toEqual([a.data[expected.place], b.data[expected.place]])
    if (expected.share === 0) return
    const { x, y, width: w, height: h } = found.box ?? { x: 0, y: 0, width: 0, height: 0 }
    expect([x, y, x + w - 1, y + h - 1]).toEqual(expected.box)
  })

  it('of a map and itself is none', async () => {
    const map = plane(9, 11, wave(1))
    expect(await mapDifference(map, map, 0)).toEqual({
      tolerance: 0,
      maximum: 0,
      mean: 0,
      share: 0,
      correlation: expect.closeTo(1, 12),
      at: { x: 0, y: 0, recorded: map.data[0], found: map.data[0] },
      box: undefined,
    })
  })

  it('of one pixel, and of maps that are zero everywhere, has no correlation', async () => {
    const [one, other] = [plane(1, 1, () => 0.25), plane(1, 1, () => 0.5)]
    expect(await mapDifference(one, other, 1e-3)).toMatchObject({ maximum: 0.25, share: 1, correlation: undefined })
    const zero = plane(5, 5, () => 0)
    expect(await mapDifference(zero, zero, 1e-3)).toMatchObject({ maximum: 0, correlation: undefined })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('counts %f as differing from all', async (odd) => {
    const map = plane(4, 6, wave(2))
    const broken = plane(4, 6, (i) => (i === 9 ? odd : wave(2)(i)))
    const found = await mapDifference(map, broken, 1)
    expect(found).toMatchObject({ maximum: Number.POSITIVE_INFINITY, share: 1 / 24, correlation: undefined })
    expect(found.box).toEqual({ x: 3, y: 1, width: 1, height: 1 })
  })

  it('is refused for two sizes, and can be stopped', async () => {
    const map = plane(2, 3, wave(0))
    await expect(mapDifference(map, plane(3, 2, wave(0)), 1)).rejects.toThrow(RangeError)
    await expect(mapDifference(map, map, 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
