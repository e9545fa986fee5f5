import { describe, expect, it } from 'vitest'
import type { Plane } from '../src/io/npy.ts'
import { type MapObject, objectsOf } from '../src/objects.ts'

const planeOf = (rows: readonly (readonly number[])[]): Plane => ({
  data: Float32Array.from(rows.flat()),
  height: rows.length,
  width: rows[0]?.length ?? 0,
})

/** Numbers in [0, 1) from a multiplicative generator, the same in every run. */
function noise(height: number, width: number, seed: number): Plane {
  let state = seed
  const data = Float32Array.from({ length: height * width }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  })
  return { data, height, width }
}

/** Grown pixel by pixel from its first one. */
function plain({ data, height, width }: Plane, threshold: number): MapObject[] {
  const total = data.reduce((sum, value) => sum + value, 0)
  const least = threshold * data.reduce((most, value) => Math.max(most, value), 0)
  const free = new Set([...data.keys()].filter((i) => least > 0 && (data[i] ?? 0) >= least))
  const objects: MapObject[] = []
  while (free.size > 0) {
    const [first = 0] = free
    free.delete(first)
    const members = [first]
    for (const i of members) {
      for (const [dy, dx] of [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => [y, x] as const))) {
        const [y, x] = [Math.floor(i / width) + dy, (i % width) + dx]
        const j = y * width + x
        if (y >= 0 && y < height && x >= 0 && x < width && free.delete(j)) members.push(j)
      }
    }
    members.sort((a, b) => a - b)
    const ys = members.map((i) => Math.floor(i / width))
    const xs = members.map((i) => i % width)
    const values = members.map((i) => data[i] ?? 0)
    const sum = values.reduce((all, value) => all + value, 0)
    const mean = (places: readonly number[]) =>
      places.reduce((all, place, i) => all + (place + 0.5) * (values[i] ?? 0), 0) / sum
    const [y, x] = [Math.min(...ys), Math.min(...xs)]
    const top = values.indexOf(Math.max(...values))
    objects.push({
      box: { y, x, height: Math.max(...ys) + 1 - y, width: Math.max(...xs) + 1 - x },
      centroid: { y: mean(ys), x: mean(xs) },
      pixels: members.length,
      share: sum / total,
      peak: { y: ys[top] ?? 0, x: xs[top] ?? 0, value: values[top] ?? 0 },
    })
  }
  return objects.sort((a, b) => b.share - a.share)
}

describe('the objects of a map', () => {
  it.each<[string, Plane, number]>([
    ['a few grains', noise(13, 17, 3), 0.9],
    ['a mesh', noise(13, 17, 5), 0.5],
    ['one tangle', noise(31, 29, 7), 0.35],
    ['everything', noise(5, 4, 11), 1e-6],
    ['the maximum alone', noise(9, 9, 13), 1],
    ['one row', noise(1, 200, 17), 0.6],
    ['one column', noise(200, 1, 19), 0.6],
    ['more pixels than a turn of the event loop', noise(400, 500, 23), 0.999],
  ])('agree with growing them pixel by pixel: %s', async (_, map, threshold) => {
    const expected = plain(map, threshold)
    const objects = await objectsOf(map, { threshold, minShare: 0 })
    expect(objects.map(({ box, pixels, peak }) => ({ box, pixels, peak }))).toEqual(
      expected.map(({ box, pixels, peak }) => ({ box, pixels, peak })),
    )
    for (const [i, { centroid, share }] of objects.entries()) {
      expect(share).toBeCloseTo(expected[i]?.share ?? Number.NaN, 10)
      expect(centroid.y).toBeCloseTo(expected[i]?.centroid.y ?? Number.NaN, 8)
      expect(centroid.x).toBeCloseTo(expected[i]?.centroid.x ?? Number.NaN, 8)
    }
  })

  it('meet at corners, and late: a W is one object', async () => {
    const map = planeOf([
      [1, 0, 1, 0, 1],
      [1, 0, 1, 0, 1],
      [0, 1, 0, 1, 0],
    ])
    expect(await objectsOf(map)).toMatchObject([{ pixels: 8, box: { y: 0, x: 0, height: 3, width: 5 }, share: 1 }])
  })

  it('do not meet around the edge of a row', async () => {
    const map = planeOf([
      [0, 0, 1],
      [0, 0, 0],
      [1, 0, 0],
    ])
    expect((await objectsOf(map)).map(({ box }) => box)).toEqual([
      { y: 0, x: 2, height: 1, width: 1 },
      { y: 2, x: 0, height: 1, width: 1 },
    ])
  })

  it('take pixels at the threshold itself, and the first of equal peaks', async () => {
    const [object] = await objectsOf(planeOf([[0.5, 1, 1, 0.5, 0.49]]))
    expect(object).toMatchObject({ pixels: 4, peak: { y: 0, x: 1, value: 1 }, centroid: { y: 0.5, x: 2 } })
  })

  it('leave out what has little of the energy', async () => {
    const map = planeOf([[1, 1, 0, 0.6, 0, 1]])
    expect(await objectsOf(map, { minShare: 0.2 })).toHaveLength(2)
    expect(await objectsOf(map, { minShare: 0 })).toHaveLength(3)
    expect(await objectsOf(map, { minShare: 0.6 })).toEqual([])
  })

  it('of one pixel are that pixel', async () => {
    expect(await objectsOf(planeOf([[0.25]]))).toEqual([
      {
        box: { y: 0, x: 0, height: 1, width: 1 },
        centroid: { y: 0.5, x: 0.5 },
        pixels: 1,
        share: 1,
        peak: { y: 0, x: 0, value: 0.25 },
      },
    ])
  })

  it.each([
    planeOf([
      [0, 0],
      [0, 0],
    ]),
    planeOf([[0]]),
    { data: new Float32Array(), height: 0, width: 0 },
  ])('of a map of zeros are none', async (map) => {
    expect(await objectsOf(map)).toEqual([])
  })

  it.each<[object, RegExp]>([
    [{ threshold: 0 }, /threshold is 0/],
    [{ threshold: 1.1 }, /threshold is 1.1/],
    [{ threshold: Number.NaN }, /threshold is NaN/],
    [{ minShare: -1 }, /minShare is -1/],
  ])('refuse %o', async (options, message) => {
    await expect(objectsOf(planeOf([[1]]), options)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(objectsOf(planeOf([[1]]), options)).rejects.toThrow(message)
  })
})
