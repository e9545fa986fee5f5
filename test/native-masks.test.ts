import { describe, expect, it } from 'vitest'
import { ablate, blur, camReduce, channelRanges, groupReduce, maskBatch, Tensor, upsample } from '../src/native.ts'
import { code, device, f32, stream, waves, wrap } from './native-device.ts'

const one = Int32Array.of(0)
const first = Int32Array.of(0, 0)

describe('maps that keep their sign', () => {
  it('are summed as they are, and rectified once they are upsampled', async () => {
    const [maps, peaks] = [f32(1, 1, 2), f32(1)]
    const activations = wrap([1, 2, 3, 1], 1, 2, 1, 2)
    const weights = wrap([1, -1], 1, 2)
    await camReduce(stream, activations, weights, { rows: one, rectify: true }, maps, peaks)
    expect([...maps.read(), ...peaks.read()]).toEqual([0, 1, 1])
    await camReduce(stream, activations, weights, { rows: one, rectify: false }, maps, peaks)
    expect([...maps.read(), ...peaks.read()]).toEqual([-2, 1, 1])

    const out = f32(1, 1, 4)
    await upsample(stream, maps, { rows: one, rectify: true }, out)
    expect([...out.read()]).toEqual([0, 0, 0.25, 1]) // of -2, -1.25, 0.25, 1
    await upsample(stream, maps, { rows: one, rectify: false }, out)
    expect([...out.read()]).toEqual([0, 0.25, 0.75, 1])
  })
})

describe('channelRanges', () => {
  it('tells extremes and variance of the leading rows, and what is not finite', async () => {
    const ranges = wrap(new Float32Array(12).fill(9), 2, 2, 3)
    await channelRanges(stream, wrap([1, 3, 2, Number.NaN, 0, 0, 0, 0], 2, 2, 1, 2), { rows: 1 }, ranges)
    const nan = Number.NaN
    expect([...ranges.read()]).toEqual([1, 3, 1, nan, nan, nan, 9, 9, 9, 9, 9, 9])
  })
})

describe('groupReduce', () => {
  it('sums each group by itself', async () => {
    const groups = f32(1, 3, 1, 2)
    const activations = wrap([1, 2, 3, 4, 5, 6, 7, 8], 1, 4, 1, 2)
    const options = { rows: 1, assignment: Int32Array.of(1, 0, 1, -1) }
    await groupReduce(stream, activations, wrap([1, -1, 2, 9], 1, 4), options, groups)
    expect([...groups.read()]).toEqual([0, 0, 11, 14, 0, 0])
  })
})

describe('maskBatch', () => {
  const [n, h, w] = [2, 5, 7]
  const images = waves(n * 3 * h * w)
  const interleaved = Float32Array.from(images, (_, i) => {
    const [image, p, c] = [Math.floor(i / (3 * h * w)), Math.floor(i / 3) % (h * w), i % 3]
    return images[(image * 3 + c) * h * w + p] ?? 0
  })
  const features = wrap(waves(n * 4 * 6), n, 4, 2, 3)
  const pairs = Int32Array.of(1, 3, 0, 2)

  it('multiplies by the map that upsample gives, in either layout', async () => {
    const [planar, other, maps] = [f32(2, 3, h, w), f32(2, h, w, 3), f32(2, h, w)]
    await maskBatch(stream, wrap(images, n, 3, h, w), null, features, { pairs, layout: 'NCHW' }, planar)
    await maskBatch(stream, wrap(interleaved, n, h, w, 3), null, features, { pairs, layout: 'NHWC' }, other)
    const rows = Int32Array.of(7, 2)
    await upsample(stream, wrap(features.read(), n * 4, 2, 3), { rows, rectify: false }, maps)
    const [a, b, m] = [planar.read(), other.read(), maps.read()]
    for (let j = 0; j < 2; j++) {
      for (let i = 0; i < 3 * h * w; i++) {
        const wanted = Math.fround(
          (images[(pairs[2 * j] ?? 0) * 3 * h * w + i] ?? 0) * (m[j * h * w + (i % (h * w))] ?? 0),
        )
        expect(a[j * 3 * h * w + i]).toBe(wanted)
        expect(b[j * 3 * h * w + 3 * (i % (h * w)) + Math.floor(i / (h * w))]).toBe(wanted)
      }
    }
  })

  it('leaves the background alone under a flat channel', async () => {
    const background = waves(3 * 4).map((v) => v + 5)
    const out = f32(1, 3, 2, 2)
    const options = { pairs: first, layout: 'NCHW' } as const
    await maskBatch(
      stream,
      wrap(waves(12), 1, 3, 2, 2),
      wrap(background, 1, 3, 2, 2),
      wrap([3], 1, 1, 1, 1),
      options,
      out,
    )
    expect(out.read()).toEqual(background)
  })
})

describe('blur', () => {
  it('spreads a point over its own channel', async () => {
    const images = new Float32Array(2 * 27)
    images[1 * 9 + 4] = 1
    const out = wrap(new Float32Array(54).fill(7), 2, 3, 3, 3)
    await blur(stream, wrap(images, 2, 3, 3, 3), { rows: 1, layout: 'NCHW', size: 3, sigma: 1 }, out)
    const side = Math.exp(-0.5) / (1 + 2 * Math.exp(-0.5))
    // Mirrored about the border's pixels: an edge sees the point on both sides.
    const seen = [2 * side, 1 - 2 * side, 2 * side]
    const values = out.read()
    for (let p = 0; p < 9; p++) {
      expect(values[p]).toBe(0)
      expect(values[9 + p]).toBeCloseTo((seen[Math.floor(p / 3)] ?? 0) * (seen[p % 3] ?? 0), 6)
      expect(values[27 + p]).toBe(7)
    }
  })
})

describe('ablate', () => {
  it.each([
    { shape: [2, 3], axis: 1, channel: 1, without: [3, 0, 5] },
    { shape: [2, 3, 1, 2], axis: 1, channel: 2, without: [6, 7, 8, 9, 0, 0] },
    { shape: [2, 2, 3], axis: 2, channel: 0, without: [0, 7, 8, 0, 10, 11] },
    { shape: [2, 1, 2, 1, 2], axis: 4, channel: 1, without: [4, 0, 6, 0] },
  ])('sets channel $channel of axis $axis of $shape to 0', async ({ shape, axis, channel, without }) => {
    const each = without.length
    const out = f32(1, ...shape.slice(1))
    const activations = wrap([...Array(2 * each).keys()], ...shape)
    await ablate(stream, activations, { pairs: Int32Array.of(1, channel), axis }, out)
    expect([...out.read()]).toEqual(without)
  })
})

const image = () => f32(1, 3, 4, 5)
const planar = { layout: 'NCHW' } as const
const soft = { rows: 1, layout: 'NCHW', size: 3, sigma: 1 } as const
const grouped = { rows: 1, assignment: Int32Array.of(0, 1) }

it.each<[string, () => unknown]>([
  ['ranges of other channels', () => channelRanges(stream, f32(1, 4, 2, 2), { rows: 1 }, f32(1, 3, 3))],
  ['ranges of more rows than there are', () => channelRanges(stream, f32(2, 4, 2, 2), { rows: 2 }, f32(1, 4, 3))],
  ['a group that is not there', () => groupReduce(stream, f32(1, 2, 2, 2), f32(1, 2), grouped, f32(1, 1, 2, 2))],
  ['channels without a group', () => groupReduce(stream, f32(1, 3, 2, 2), f32(1, 3), grouped, f32(1, 2, 2, 2))],
  ['weights of other channels', () => groupReduce(stream, f32(1, 2, 2, 2), f32(1, 3), grouped, f32(1, 2, 2, 2))],
  ['groups of another grid', () => groupReduce(stream, f32(1, 2, 2, 2), f32(1, 2), grouped, f32(1, 2, 2, 3))],
  [
    'a channel that is not in the features',
    () => maskBatch(stream, image(), null, f32(1, 2, 2, 2), { pairs: Int32Array.of(0, 2), ...planar }, image()),
  ],
  [
    'an image that is not in the features',
    () => maskBatch(stream, f32(2, 3, 4, 5), null, f32(1, 2, 2, 2), { pairs: Int32Array.of(1, 0), ...planar }, image()),
  ],
  [
    'half a pair',
    () => maskBatch(stream, image(), null, f32(1, 2, 2, 2), { pairs: Int32Array.of(0), ...planar }, image()),
  ],
  [
    'more copies than out has rows',
    () => maskBatch(stream, image(), null, f32(1, 2, 2, 2), { pairs: Int32Array.of(0, 0, 0, 1), ...planar }, image()),
  ],
  [
    'a background of another shape',
    () => maskBatch(stream, image(), f32(1, 3, 5, 4), f32(1, 2, 2, 2), { pairs: first, ...planar }, image()),
  ],
  [
    'masked images of the other layout',
    () => maskBatch(stream, image(), null, f32(1, 2, 2, 2), { pairs: first, layout: 'NHWC' }, image()),
  ],
  ['blurring into another shape', () => blur(stream, image(), soft, f32(1, 3, 5, 4))],
  ['blurring with an even kernel', () => blur(stream, image(), { ...soft, size: 4 }, image())],
  ['blurring with a sigma of 0', () => blur(stream, image(), { ...soft, sigma: 0 }, image())],
  ['blurring more rows than there are', () => blur(stream, image(), { ...soft, rows: 2 }, image())],
  [
    'blurring in place',
    () => {
      const both = image()
      return blur(stream, both, soft, both)
    },
  ],
  [
    'masking images where they are',
    () => {
      const both = image()
      return maskBatch(stream, both, null, f32(1, 2, 2, 2), { pairs: first, ...planar }, both)
    },
  ],
  [
    'ablating activations into their own second half',
    () => {
      const memory = new Float32Array(3 * 8)
      const [from, to] = [memory.subarray(0, 16), memory.subarray(8, 24)]
      const wrapped = (part: Float32Array) => Tensor.wrap(device, part, [2, 4, 2])
      return ablate(stream, wrapped(from), { pairs: first, axis: 1 }, wrapped(to))
    },
  ],
  ['ablating the axis of the rows', () => ablate(stream, f32(1, 4, 2), { pairs: first, axis: 0 }, f32(1, 4, 2))],
  ['ablating an axis that is not there', () => ablate(stream, f32(1, 4, 2), { pairs: first, axis: 3 }, f32(1, 4, 2))],
  [
    'ablating a channel that is not there',
    () => ablate(stream, f32(1, 4, 2), { pairs: Int32Array.of(0, 2), axis: 2 }, f32(1, 4, 2)),
  ],
  ['ablating into another shape', () => ablate(stream, f32(1, 4, 2), { pairs: first, axis: 1 }, f32(1, 2, 4))],
  ['ablating a vector', () => ablate(stream, f32(4), { pairs: first, axis: 1 }, f32(4))],
])('refuses %s at the call', (_, call) => {
  expect(call).toThrow(code('OPTION_INVALID'))
})

it('refuses a map whose sign nobody chose', () => {
  const untyped = (...args: unknown[]): unknown => Reflect.apply(upsample, undefined, args)
  expect(() => untyped(stream, f32(1, 2, 2), { rows: one }, f32(1, 4, 4))).toThrow(/rectify is not true or false/)
})
