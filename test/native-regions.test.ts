import { describe, expect, it } from 'vitest'
import {
  Device,
  occlude,
  occlusionReduce,
  riseMask,
  riseReduce,
  type Simd,
  Stream,
  simdVariants,
  Tensor,
} from '../src/native.ts'
import { code, f32, stream, wrap } from './native-device.ts'

const masks = { seed: 2 ** 40 + 7, grid: 3, keep: 0.4 }
const [h, w, many] = [10, 13, 24]

/** The masks themselves: what becomes of an image of ones. */
async function drawn(simd: Simd, threads: number, options = masks): Promise<Float32Array> {
  const own = new Device({ type: 'cpu', threads, simd })
  const queue = new Stream(own)
  const ones = Tensor.wrap(own, new Float32Array(3 * h * w).fill(1), [1, h, w, 3])
  const out = new Tensor(own, 'float32', [many, h, w, 3])
  const pairs = Int32Array.from({ length: 2 * many }, (_, i) => (i % 2) * (i >> 1))
  await riseMask(queue, ones, { ...options, pairs, layout: 'NHWC' }, out)
  return out.read()
}

describe('the masks of RISE', () => {
  it('are the same bytes on every instruction set and any threads, others for another seed', async () => {
    const first = await drawn('baseline', 1)
    for (const simd of simdVariants()) expect(await drawn(simd, 3)).toEqual(first)
    expect(await drawn('baseline', 1, { ...masks, seed: 7 })).not.toEqual(first)
    expect(first.every((v) => v >= 0 && v <= 1)).toBe(true)
  })

  it('are what riseReduce sums, into the rows asked for', async () => {
    const drawings = await drawn('baseline', 2)
    const weights = Float32Array.from({ length: 2 * many }, (_, i) => Math.sin(i) ** 2)
    const [maps, peaks] = [wrap(new Float32Array(3 * h * w).fill(9), 3, h, w), wrap([9, 9, 9], 3)]
    await riseReduce(stream, wrap(weights, 2, many), { ...masks, rows: Int32Array.of(2, 0) }, maps, peaks)
    const values = maps.read()
    for (const [i, row] of [2, 0].entries()) {
      let top = 0
      for (let p = 0; p < h * w; p++) {
        let sum = 0
        for (let m = 0; m < many; m++) sum += (weights[i * many + m] ?? 0) * (drawings[(m * h * w + p) * 3] ?? 0)
        expect(values[row * h * w + p]).toBeCloseTo(sum / (many * masks.keep), 5)
        top = Math.max(top, values[row * h * w + p] ?? 0)
      }
      expect(peaks.read()[row]).toBe(top)
    }
    expect(values.subarray(h * w, 2 * h * w).every((v) => v === 9)).toBe(true)
  })
})

describe('occlude and occlusionReduce', () => {
  it('clear the square of each copy, and average what covers a pixel', async () => {
    const images = wrap([...Array(24).keys()], 2, 3, 2, 2)
    const out = f32(2, 3, 2, 2)
    const size = { height: 1, width: 2 }
    await occlude(stream, images, { squares: Int32Array.of(1, 1, 0, 0, 0, 0), size, layout: 'NCHW' }, out)
    const copies = [12, 13, 0, 0, 16, 17, 0, 0, 20, 21, 0, 0, 0, 0, 2, 3, 0, 0, 6, 7, 0, 0, 10, 11]
    expect([...out.read()]).toEqual(copies)

    const [maps, peaks] = [f32(1, 2, 4), f32(1)]
    const options = { rows: Int32Array.of(0), squares: Int32Array.of(0, 0, 0, 1, 1, 2), size }
    await occlusionReduce(stream, wrap([1, 0.5, -1], 1, 3), options, maps, peaks)
    expect([...maps.read(), ...peaks.read()]).toEqual([1, 0.75, 0.5, 0, 0, 0, -1, -1, 1])
  })
})

const image = () => f32(1, 3, 4, 5)
const draw = { ...masks, pairs: Int32Array.of(0, 0), layout: 'NCHW' } as const
const sum = { ...masks, rows: Int32Array.of(0) }
const hide = { squares: Int32Array.of(0, 0, 0), size: { height: 2, width: 2 }, layout: 'NCHW' } as const
const seen = { rows: Int32Array.of(0), squares: Int32Array.of(0, 0), size: { height: 2, width: 2 } }

it.each<[string, () => unknown]>([
  ['a mask below 0', () => riseMask(stream, image(), { ...draw, pairs: Int32Array.of(0, -1) }, image())],
  ['a grid of no cells', () => riseMask(stream, image(), { ...draw, grid: 0 }, image())],
  ['masks that keep nothing', () => riseMask(stream, image(), { ...draw, keep: 0 }, image())],
  ['masks that keep more than all', () => riseMask(stream, image(), { ...draw, keep: 1.01 }, image())],
  ['masks that keep NaN', () => riseReduce(stream, f32(1, 4), { ...sum, keep: Number.NaN }, f32(1, 4, 5), f32(1))],
  ['a seed below 0', () => riseMask(stream, image(), { ...draw, seed: -1 }, image())],
  ['masked copies of another shape', () => riseMask(stream, image(), draw, f32(1, 3, 5, 4))],
  [
    'a map that has no row',
    () => riseReduce(stream, f32(1, 4), { ...sum, rows: Int32Array.of(1) }, f32(1, 4, 5), f32(1)),
  ],
  [
    'more maps than weights',
    () => riseReduce(stream, f32(1, 4), { ...sum, rows: Int32Array.of(0, 1) }, f32(2, 4, 5), f32(2)),
  ],
  [
    'a square that leaves the image',
    () => occlude(stream, image(), { ...hide, squares: Int32Array.of(0, 3, 0) }, image()),
  ],
  ['a square of no image', () => occlude(stream, image(), { ...hide, squares: Int32Array.of(1, 0, 0) }, image())],
  ['a square without x', () => occlude(stream, image(), { ...hide, squares: Int32Array.of(0, 0) }, image())],
  ['a square of no size', () => occlude(stream, image(), { ...hide, size: { height: 0, width: 2 } }, image())],
  ['more squares than out has rows', () => occlude(stream, image(), { ...hide, squares: new Int32Array(6) }, image())],
  ['a weight for no square', () => occlusionReduce(stream, f32(1, 2), seen, f32(1, 4, 5), f32(1))],
  [
    'a square outside its map',
    () => occlusionReduce(stream, f32(1, 1), { ...seen, squares: Int32Array.of(0, 4) }, f32(1, 4, 5), f32(1)),
  ],
])('refuses %s at the call', (_, call) => {
  expect(call).toThrow(code('OPTION_INVALID'))
})
