import { describe, expect, it } from 'vitest'
import {
  accumulate,
  Device,
  finish,
  fold,
  fuse,
  grey,
  noise,
  type Simd,
  Stream,
  simdVariants,
  Tensor,
} from '../src/native.ts'
import { code, f32, stream, waves, wrap } from './native-device.ts'

describe('grey', () => {
  it('is the same for both layouts, in the rows asked for', async () => {
    const [n, c, h, w] = [2, 3, 5, 7]
    const planar = waves(n * c * h * w)
    const interleaved = new Float32Array(planar.length)
    for (let i = 0; i < n; i++) {
      for (let p = 0; p < h * w; p++) {
        for (let k = 0; k < c; k++) interleaved[(i * h * w + p) * c + k] = planar[(i * c + k) * h * w + p] ?? 0
      }
    }
    const rows = Int32Array.of(2, 0)
    const [a, b, peaks] = [
      wrap(new Float32Array(3 * h * w), 3, h, w),
      wrap(new Float32Array(3 * h * w), 3, h, w),
      f32(3),
    ]
    await grey(stream, wrap(planar, n, c, h, w), { rows, layout: 'NCHW' }, a, peaks)
    await grey(stream, wrap(interleaved, n, h, w, c), { rows, layout: 'NHWC' }, b, peaks)
    expect([...b.read()]).toEqual([...a.read()])
    expect([peaks.read()[0], peaks.read()[2]]).toEqual([1, 1])

    const q = Array.from({ length: h * w }, (_, p) =>
      [0, 1, 2].reduce((s, k) => s + Math.abs(planar[k * h * w + p] ?? 0), 0),
    )
    const sorted = q.toSorted((x, y) => x - y)
    const [lo = 0, below = 0, top = 0] = [sorted[0], sorted[33], sorted[34]]
    const hi = below + (34 * 0.99 - 33) * (top - below)
    const wanted = q.map((v) => Math.min(1, (v - lo) / (hi - lo)))
    const map = a.read().subarray(2 * h * w)
    for (const [p, v] of wanted.entries()) expect(map[p]).toBeCloseTo(v, 6)
  })
})

describe('noise', () => {
  const input = waves(3 * 3 * 16 * 17)
  const shape = [3, 3, 16, 17]
  const each = input.length / 3

  async function noisy(simd: Simd, threads: number) {
    const own = new Device({ type: 'cpu', threads, simd })
    const queue = new Stream(own)
    const out = Tensor.wrap(own, new Float32Array(input.length), shape)
    const options = { windows: Int32Array.of(5, 2), copy: 3, seed: 2 ** 40 + 1, strength: 0.15 }
    await noise(queue, Tensor.wrap(own, input, shape), options, out)
    return out.read()
  }

  it('is the same on every instruction set and any threads, and leaves the other rows', async () => {
    const first = await noisy('baseline', 1)
    for (const simd of simdVariants()) expect(await noisy(simd, 3)).toEqual(first)
    expect(first.subarray(2 * each).every((v) => v === 0)).toBe(true)
    const sigma = Math.sqrt(first.subarray(0, each).reduce((s, v, i) => s + (v - (input[i] ?? 0)) ** 2, 0) / each)
    expect(sigma).toBeGreaterThan(0.27) // 0.15 of a range of 2
    expect(sigma).toBeLessThan(0.33)
  })

  it('is a window’s own in any batch, another for another copy or seed', async () => {
    const one = async (copy: number, seed: number) => {
      const out = f32(1, 3, 16, 17)
      const windows = Int32Array.of(2)
      await noise(stream, wrap(input.slice(each, 2 * each), 1, 3, 16, 17), { windows, copy, seed, strength: 0.15 }, out)
      return out.read()
    }
    const inBatch = (await noisy('baseline', 1)).slice(each, 2 * each)
    expect(await one(3, 2 ** 40 + 1)).toEqual(inBatch)
    expect(await one(4, 2 ** 40 + 1)).not.toEqual(inBatch)
    expect(await one(3, 2 ** 41 + 1)).not.toEqual(inBatch)
  })
})

describe('accumulate', () => {
  it('sets, then adds, the leading rows', async () => {
    const from = wrap(Float32Array.of(1, 2, 3, 4, 5, 6), 3, 2)
    const out = wrap(Float32Array.of(Number.NaN, Number.NaN, Number.NaN, Number.NaN, 7, 8), 3, 2)
    await accumulate(stream, from, { rows: 2, factor: 0.5, mode: 'set' }, out)
    await accumulate(stream, from, { rows: 1, factor: 2, mode: 'add' }, out)
    expect([...out.read()]).toEqual([2.5, 5, 1.5, 2, 7, 8])
  })
})

describe('fold and finish', () => {
  const maps = waves(4 * 9).map(Math.abs)
  const fusion = {
    window: { height: 8, width: 8 },
    levels: Int32Array.of(8, 10, 12, 15),
    windows: Int32Array.of(0, 0, 0, 0, 1, 0, 0, 2, 2, 1, 4, 7, 3, 1, 0, 0),
    weights: Float32Array.of(1, 0.5, 0.25, 0.125),
    theta: 0,
    rectify: false,
  } as const

  it.each(['mean', 'max', 'average'] as const)('%s in parts is what fuse gives, to the bit', async (mode) => {
    const [sums, parts, whole] = [f32(2, 20, 25), f32(20, 25), f32(20, 25)]
    const from = wrap(maps, 4, 3, 3)
    await fuse(stream, from, { ...fusion, mode }, whole)
    for (const [first, last] of [
      [0, 1],
      [1, 4],
    ] as const) {
      const windows = fusion.windows.subarray(4 * first, 4 * last)
      const weights = fusion.weights.subarray(first, last)
      await fold(stream, from, { ...fusion, mode, windows, weights, rescale: first === 0 ? 0 : 1 }, sums)
    }
    await finish(stream, sums, { mode, windows: 4 }, parts)
    expect(parts.read()).toEqual(whole.read())
    expect(Math.max(...parts.read())).toBeGreaterThan(0.1)
  })
})

const rows = Int32Array.of(0)
const whole = {
  window: { height: 2, width: 2 },
  levels: Int32Array.of(4, 5),
  windows: Int32Array.of(0, 0, 0, 0),
  weights: Float32Array.of(1),
  mode: 'mean',
  theta: 0,
  rectify: false,
} as const
const draw = { windows: Int32Array.of(0), copy: 0, seed: 0, strength: 0.1 }

it.each<[string, () => unknown]>([
  ['grey maps of another size', () => grey(stream, f32(1, 3, 4, 5), { rows, layout: 'NCHW' }, f32(1, 5, 4), f32(1))],
  ['grey of the other layout', () => grey(stream, f32(1, 3, 4, 5), { rows, layout: 'NHWC' }, f32(1, 4, 5), f32(1))],
  [
    'grey rows that have no peak',
    () => grey(stream, f32(2, 3, 4, 5), { rows: Int32Array.of(0, 1), layout: 'NCHW' }, f32(2, 4, 5), f32(1)),
  ],
  [
    'more grey rows than gradients',
    () => grey(stream, f32(1, 3, 4, 5), { rows: Int32Array.of(0, 1), layout: 'NCHW' }, f32(2, 4, 5), f32(2)),
  ],
  ['noise into another shape', () => noise(stream, f32(1, 3, 4, 5), draw, f32(1, 3, 5, 4))],
  [
    'more noise than images',
    () => noise(stream, f32(1, 3, 4, 5), { ...draw, windows: Int32Array.of(0, 1) }, f32(1, 3, 4, 5)),
  ],
  ['a seed that is not whole', () => noise(stream, f32(1, 3, 4, 5), { ...draw, seed: 0.5 }, f32(1, 3, 4, 5))],
  ['a copy below 0', () => noise(stream, f32(1, 3, 4, 5), { ...draw, copy: -1 }, f32(1, 3, 4, 5))],
  ['a strength that is NaN', () => noise(stream, f32(1, 3, 4, 5), { ...draw, strength: Number.NaN }, f32(1, 3, 4, 5))],
  ['accumulating another shape', () => accumulate(stream, f32(2, 3), { rows: 1, factor: 1, mode: 'set' }, f32(3, 2))],
  [
    'accumulating more rows than there are',
    () => accumulate(stream, f32(2, 3), { rows: 3, factor: 1, mode: 'set' }, f32(2, 3)),
  ],
  [
    'a factor that is infinite',
    () => accumulate(stream, f32(2, 3), { rows: 1, factor: 1 / 0, mode: 'add' }, f32(2, 3)),
  ],
  ['sums of one plane', () => fold(stream, f32(1, 2, 2), { ...whole, rescale: 1 }, f32(1, 4, 5))],
  ['a rescale below 0', () => fold(stream, f32(1, 2, 2), { ...whole, rescale: -1 }, f32(2, 4, 5))],
  ['a rescale above theta', () => fold(stream, f32(1, 2, 2), { ...whole, theta: 0.2, rescale: 0.5 }, f32(2, 4, 5))],
  [
    'a folded window outside its level',
    () => fold(stream, f32(1, 2, 2), { ...whole, windows: Int32Array.of(0, 0, 3, 0), rescale: 1 }, f32(2, 4, 5)),
  ],
  [
    'a fusion of no windows',
    () => fuse(stream, f32(1, 2, 2), { ...whole, windows: Int32Array.of(), weights: Float32Array.of() }, f32(4, 5)),
  ],
  ['finishing into another size', () => finish(stream, f32(2, 4, 5), { mode: 'mean', windows: 1 }, f32(5, 4))],
  ['an average of no windows', () => finish(stream, f32(2, 4, 5), { mode: 'average', windows: 0 }, f32(4, 5))],
])('refuses %s at the call', (_, call) => {
  expect(call).toThrow(code('OPTION_INVALID'))
})
