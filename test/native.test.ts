import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decode } from '../src/io/decode.ts'
import {
  camReduce,
  copy,
  Device,
  flatten,
  fuse,
  gather,
  overlay,
  pyramid,
  runtime,
  Session,
  Stream,
  score,
  simdVariants,
  smooth,
  Tensor,
  upsample,
} from '../src/native.ts'
import { goldenArray } from './goldens.ts'
import { code, device, f32, onCuda, stream, u8, waves, wrap } from './native-device.ts'
import { shared, sharedMissing } from './shared.ts'

const f64 = (...shape: number[]) => new Tensor(device, 'float64', shape)
const plain = { channels: [0, 1, 2], scale: [1, 1, 1], bias: [0, 0, 0] } as const

describe.skipIf(sharedMissing)('pyramid levels of the reference', () => {
  const half = { channels: [0, 1, 2], scale: [2 / 255, 2 / 255, 2 / 255], bias: [-1, -1, -1] } as const
  it.each(
    [100, 224, 400].flatMap((scale) => [
      { scale, filter: 'antialias', golden: `pyramid_${scale}_antialiased` } as const,
      { scale, filter: 'bilinear', golden: `pyramid_${scale}_plain` } as const,
    ]),
  )('$golden, whole and in bands, on every instruction set', async ({ filter, golden }) => {
    const { data, width, height } = await decode(shared('golden/images/dogs.png'))
    const reference = goldenArray(golden)
    const [, h = 0, w = 0] = reference.shape
    const bands = [
      { y: 0, x: 0, height: h, width: w },
      { y: h - 31, x: 13, height: 31, width: 17 },
    ]
    for (const simd of simdVariants()) {
      const own = new Device({ type: 'cpu', threads: 2, simd })
      const queue = new Stream(own)
      const photo = Tensor.wrap(own, data, [height, width, 3])
      for (const band of bands) {
        const out = new Tensor(own, 'float32', [3, band.height, band.width])
        await pyramid(queue, photo, { level: { height: h, width: w }, band, filter, ...half }, out)
        const values = out.read()
        let worst = 0
        for (let c = 0; c < 3; c++) {
          for (let y = 0; y < band.height; y++) {
            for (let x = 0; x < band.width; x++) {
              const wanted = reference.data[(c * h + band.y + y) * w + band.x + x] ?? Number.NaN
              worst = Math.max(worst, Math.abs((values[(c * band.height + y) * band.width + x] ?? 0) - wanted))
            }
          }
        }
        expect(worst).toBeLessThanOrEqual(2 * 2e-5) // of a range of 2
      }
    }
  })
})

describe('the native surface', () => {
  it('runs ops of one stream in the order of their calls', async () => {
    const input = wrap([0, 0, 0, 0, 1, 0, 0, 0, 0], 3, 3)
    const [a, b] = [f32(3, 3), f32(3, 3)]
    await Promise.all([smooth(stream, input, { size: 1, sigma: 1 }, a), smooth(stream, a, { size: 1, sigma: 1 }, b)])
    expect([...b.read()]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0])
  })

  it('counts the bytes of its own tensors, not of wrapped ones', () => {
    const own = new Device({ type: 'cpu', threads: 1 })
    const tensor = new Tensor(own, 'float64', [5, 3])
    Tensor.wrap(own, new Uint8Array(100), [100])
    expect(own.allocatedBytes).toBe(120)
    tensor.dispose()
    tensor.dispose()
    expect(own.allocatedBytes).toBe(0)
  })

  it('keeps tensors alive that are disposed while an op waits', async () => {
    const input = wrap(new Float32Array(64 * 64).fill(0.5), 64, 64)
    const [between, out] = [f32(64, 64), f32(64, 64)]
    const done = Promise.all([
      smooth(stream, input, { size: 11, sigma: 5 }, between),
      smooth(stream, between, { size: 11, sigma: 5 }, out),
    ])
    input.dispose()
    between.dispose()
    await done
    expect(out.read().every((value) => Math.abs(value - 0.5) < 1e-6)).toBe(true)
  })

  it('copies between tensors of two devices in the order of the stream', async () => {
    const other = new Device({ type: 'cpu', threads: 1 })
    const [height, width] = [701, 1003] // over one task of a copy
    const from = Tensor.wrap(other, waves(height * width), [height, width])
    const [there, back] = [f32(height, width), new Float32Array(height * width)]
    const landing = Tensor.wrap(other, back, [height, width])
    await Promise.all([copy(stream, from, there), copy(stream, there, landing)])
    expect(back).toEqual(waves(height * width))
  })

  it('refuses copies that cannot be', () => {
    const data = new Float32Array(8)
    const [whole, part] = [wrap(data.subarray(0, 6), 6), wrap(data.subarray(2), 6)]
    expect(() => copy(stream, f32(2, 3), f32(3, 2))).toThrow(code('OPTION_INVALID'))
    expect(() => copy(stream, f32(6), f64(6) as never)).toThrow(code('OPTION_INVALID'))
    if (!onCuda) expect(() => copy(stream, whole, part)).toThrow(code('OPTION_INVALID'))
  })

  it('reads leading rows, and writes back', () => {
    const tensor = new Tensor(device, 'int64', [3, 2])
    tensor.write(BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n))
    expect([...tensor.read(2)]).toEqual([1n, 2n, 3n, 4n])
    expect([...tensor.read(1, 1)]).toEqual([3n, 4n])
    expect([...tensor.read(undefined, 2)]).toEqual([5n, 6n])
    expect([...tensor.read(0, 3)]).toEqual([])
    expect(() => tensor.read(2, 2)).toThrow(code('OPTION_INVALID'))
    expect(() => tensor.read(1, -1)).toThrow(code('OPTION_INVALID'))
    expect(() => tensor.write(new BigInt64Array(7))).toThrow(code('OPTION_INVALID'))
    expect(() => tensor.read(4)).toThrow(code('OPTION_INVALID'))
  })

  // A device is not stopped: what has been enqueued there runs
  it.skipIf(onCuda)('stops a stream: what runs and what waits is aborted', async () => {
    const own = new Stream(device)
    const map = wrap(new Float32Array(2000 * 2000), 2000, 2000)
    const ops = Array.from({ length: 20 }, () => smooth(own, map, { size: 101, sigma: 20 }, f32(2000, 2000)))
    own.cancel()
    const results = await Promise.allSettled(ops)
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } })
    own.dispose()
    expect(() => smooth(own, map, { size: 1, sigma: 1 }, f32(2000, 2000))).toThrow(code('DISPOSED'))
  })

  it('refuses what is disposed', () => {
    const tensor = f32(2, 2)
    tensor.dispose()
    expect(() => tensor.read()).toThrow(code('DISPOSED'))
    expect(() => smooth(stream, tensor, { size: 1, sigma: 1 }, f32(2, 2))).toThrow(code('DISPOSED'))
  })

  const photo = u8(4, 5, 3)
  const square = { height: 2, width: 2 }
  const level = { height: 4, width: 5 }
  const whole = { y: 0, x: 0, ...level }
  const fusion = {
    window: square,
    levels: Int32Array.of(4, 5),
    windows: Int32Array.of(0, 0, 0, 0),
    weights: Float32Array.of(1),
    mode: 'mean',
    theta: 0,
    rectify: false,
  } as const

  it.each<[string, () => unknown]>([
    ['a shape with a zero', () => f32(0, 3)],
    ['a shape that overflows', () => f32(2 ** 31, 2 ** 31, 2 ** 31)],
    ['an array of another length than its shape', () => Tensor.wrap(device, new Float32Array(5), [2, 3])],
    ['a device without threads', () => new Device({ type: 'cpu', threads: 0 })],
    [
      'a band outside its level',
      () => pyramid(stream, photo, { level, band: { ...whole, y: 1 }, filter: 'bilinear', ...plain }, f32(3, 4, 5)),
    ],
    [
      'an output smaller than the band',
      () => pyramid(stream, photo, { level, band: whole, filter: 'bilinear', ...plain }, f32(3, 4, 4)),
    ],
    [
      'a channel that is not there',
      () =>
        pyramid(stream, photo, { level, band: whole, filter: 'bilinear', ...plain, channels: [0, 1, 3] }, f32(3, 4, 5)),
    ],
    [
      'a window outside its band',
      () =>
        gather(
          stream,
          f32(60),
          { band: level, window: square, origins: Int32Array.of(3, 0), layout: 'NCHW', slot: 0 },
          f32(1, 3, 2, 2),
        ),
    ],
    [
      'more windows than the batch has room for',
      () =>
        gather(
          stream,
          f32(60),
          { band: level, window: square, origins: Int32Array.of(0, 0, 0, 0), layout: 'NCHW', slot: 0 },
          f32(1, 3, 2, 2),
        ),
    ],
    [
      'a batch of the other layout',
      () =>
        gather(
          stream,
          f32(60),
          { band: level, window: square, origins: Int32Array.of(0, 0), layout: 'NHWC', slot: 0 },
          f32(1, 3, 2, 2),
        ),
    ],
    [
      'a target that is no class',
      () =>
        score(
          stream,
          f32(1, 5),
          { targets: Int32Array.of(5), activation: 'softmax', rows: Int32Array.of(0) },
          f64(1, 1, 2),
        ),
    ],
    [
      'a row outside the scores',
      () =>
        score(
          stream,
          f32(1, 5),
          { targets: Int32Array.of(0), activation: 'softmax', rows: Int32Array.of(1) },
          f64(1, 1, 2),
        ),
    ],
    [
      'weights of other channels',
      () =>
        camReduce(stream, f32(1, 4, 2, 2), f32(1, 3), { rows: Int32Array.of(0), rectify: true }, f32(1, 2, 2), f32(1)),
    ],
    [
      'maps of another grid',
      () =>
        camReduce(stream, f32(1, 4, 2, 2), f32(1, 4), { rows: Int32Array.of(0), rectify: true }, f32(1, 2, 3), f32(1)),
    ],
    [
      'a window outside its level',
      () => fuse(stream, f32(1, 2, 2), { ...fusion, windows: Int32Array.of(0, 0, 3, 0) }, f32(4, 5)),
    ],
    [
      'a window of no level',
      () => fuse(stream, f32(1, 2, 2), { ...fusion, windows: Int32Array.of(0, 1, 0, 0) }, f32(4, 5)),
    ],
    [
      'a row that is not in maps',
      () => fuse(stream, f32(1, 2, 2), { ...fusion, windows: Int32Array.of(1, 0, 0, 0) }, f32(4, 5)),
    ],
    [
      'a weight that is NaN',
      () => fuse(stream, f32(1, 2, 2), { ...fusion, weights: Float32Array.of(Number.NaN) }, f32(4, 5)),
    ],
    [
      'more windows than weights',
      () => fuse(stream, f32(1, 2, 2), { ...fusion, weights: Float32Array.of() }, f32(4, 5)),
    ],
    ['a negative theta', () => fuse(stream, f32(1, 2, 2), { ...fusion, theta: -1 }, f32(4, 5))],
    [
      'rows beyond upsample output',
      () => upsample(stream, f32(2, 2, 2), { rows: Int32Array.of(0, 1), rectify: false }, f32(1, 4, 4)),
    ],
    ['an even kernel', () => smooth(stream, f32(4, 5), { size: 2, sigma: 1 }, f32(4, 5))],
    ['a kernel without width', () => smooth(stream, f32(4, 5), { size: 3, sigma: 0 }, f32(4, 5))],
    ['smoothing into another size', () => smooth(stream, f32(4, 5), { size: 3, sigma: 1 }, f32(5, 4))],
    ['flattening into another size', () => flatten(stream, u8(4, 5, 4), u8(5, 4, 3))],
    [
      'a colour table that is too short',
      () =>
        overlay(
          stream,
          photo,
          f32(4, 5),
          { colors: new Uint8Array(767), low: 0, high: 1, alpha: 1, opacity: 'constant' },
          u8(4, 5, 3),
        ),
    ],
    [
      'an empty range of values',
      () =>
        overlay(
          stream,
          photo,
          f32(4, 5),
          { colors: new Uint8Array(768), low: 1, high: 1, alpha: 1, opacity: 'constant' },
          u8(4, 5, 3),
        ),
    ],
  ])('refuses %s at the call', (_, call) => {
    expect(call).toThrow(code('OPTION_INVALID'))
  })

  it('refuses tensors of another type or device', () => {
    const untyped = (...args: unknown[]): unknown => Reflect.apply(smooth, undefined, args)
    expect(() => untyped(stream, f64(4, 5), { size: 3, sigma: 1 }, f32(4, 5))).toThrow(/float32 is expected.*float64/)
    expect(() => untyped(stream, 5, { size: 3, sigma: 1 }, f32(4, 5))).toThrow(code('OPTION_INVALID'))
    expect(() => untyped()).toThrow(code('OPTION_INVALID'))
    const other = new Device({ type: 'cpu', threads: 1 })
    const foreign = new Tensor(other, 'float32', [4, 5])
    expect(() => smooth(stream, foreign, { size: 3, sigma: 1 }, f32(4, 5))).toThrow(/another device/)
  })

  it('says that memory is short instead of dying', () => {
    expect(() => f32(2 ** 40)).toThrow(code('OUT_OF_MEMORY'))
  })

  it('opens no garbage as a model', async () => {
    const options = { threads: 1, optimization: 'all' } as const
    await expect(Session.open(device, { ...options, model: new Uint8Array(0) })).rejects.toThrow(
      code('MODEL_UNREADABLE'),
    )
    await expect(Session.open(device, { ...options, model: new Uint8Array(99).fill(7) })).rejects.toThrow(
      code('MODEL_UNREADABLE'),
    )
  })

  it.skipIf(sharedMissing)('shares one ONNX Runtime with onnxruntime-node: both give the same logits', async () => {
    const model = new Uint8Array(readFileSync(shared('data/hostile/models/good.onnx')))
    const session = await Session.open(device, { model, threads: 1, optimization: 'all' })
    const { InferenceSession, Tensor: OrtTensor } = await import('onnxruntime-node')
    const theirs = await InferenceSession.create(model, { intraOpNumThreads: 1 })
    const image = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i))
    const [input = '', output = ''] = [theirs.inputNames[0], theirs.outputNames[0]]
    const classes = session.outputs[0]?.shape[1] ?? 0
    const logits = f32(2, classes)
    const inputs = { [input]: wrap(image, 2, 3, 32, 32) }
    await session.run(stream, { inputs, outputs: { [output]: logits }, rows: 2 })
    const { [output]: expected } = await theirs.run({ [input]: new OrtTensor('float32', image, [2, 3, 32, 32]) })
    expect([...logits.read()]).toEqual([...(expected?.data ?? [])])
    expect(runtime.version).toMatch(/^1\.\d+\.\d+/)
  })
})
