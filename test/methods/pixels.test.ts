import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import { methods } from '../../src/methods/index.ts'
import { Device, noise, Stream, Tensor } from '../../src/native.ts'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { buildGradientModel } from '../../src/onnx/gradient-model.ts'
import { floatTensor } from '../../src/onnx/tensors.ts'
import { classes, numbers } from '../onnx/heads.ts'
import { int, ints, type ModelSpec, modelBytes, op, randomTensor, uniform } from '../onnx/models.ts'
import { probe, run } from '../onnx/ort.ts'
import { temporaryModels } from '../temporary-models.ts'

const [HEIGHT, WIDTH, K] = [11, 14, 5]
const PIXELS = HEIGHT * WIDTH
const trunk = [op('Conv', 'x k', 'c'), op('Relu', 'c', 'a'), op('Conv', 'a m', 'd'), op('Relu', 'd', 'e')]
const head = (weights: string) => [
  op('GlobalAveragePool', 'e', 'p'),
  op('Flatten', 'p', 'f'),
  op('Gemm', `f ${weights}`, 'z', { transB: int(1) }),
]
const weights = [randomTensor('k', [6, 3, 3, 3]), randomTensor('m', [7, 6, 3, 3]), randomTensor('w', [K, 7])]
const plain: ModelSpec = { input: { dims: ['n', 3, HEIGHT, WIDTH] }, nodes: [...trunk, ...head('w')], tensors: weights }
const channelsLast: ModelSpec = {
  input: { name: 'image', dims: ['n', HEIGHT, WIDTH, 3] },
  nodes: [op('Transpose', 'image', 'x', { perm: ints(0, 3, 1, 2) }), ...plain.nodes],
  tensors: weights,
}
const target = 3
const photo = {
  data: Uint8Array.from({ length: PIXELS * 3 }, (_, i) => (i * 73 + ((i * i) % 251)) % 256),
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
} as const
/** The window after preprocessing with mean 0.5 and std 0.25: the photo has its size. 3 x h x w. */
const window = Float32Array.from({ length: 3 * PIXELS }, (_, i) => {
  const [channel, pixel] = [Math.floor(i / PIXELS), i % PIXELS]
  return ((photo.data[pixel * 3 + channel] ?? 0) / 255 - 0.5) / 0.25
})

/** `grey(G)` as the semantics write it, in double. */
function grey(gradient: readonly number[]): readonly number[] {
  const q = Array.from({ length: PIXELS }, (_, p) =>
    [0, 1, 2].reduce((total, c) => total + Math.abs(gradient[c * PIXELS + p] ?? Number.NaN), 0),
  )
  const sorted = [...q].sort((a, b) => a - b)
  const place = 0.99 * (PIXELS - 1)
  const below = sorted[Math.floor(place)] ?? 0
  const high = below + (place - Math.floor(place)) * ((sorted[Math.ceil(place)] ?? 0) - below)
  const low = sorted[0] ?? 0
  return q.map((value) => Math.min(1, Math.max(0, (value - low) / (high - low))))
}

/** `d z / d x` at inputs N x 3 x h x w through ONNX Runtime's own binding. */
async function gradientsAt(inputs: Float32Array): Promise<readonly number[]> {
  const images = inputs.length / (3 * PIXELS)
  const classifier = await loadClassifier({ bytes: modelBytes(plain) }, {}, probe)
  const model = buildGradientModel(classifier, { seeds: ['class'], tensors: ['x'] })
  const feeds = Object.fromEntries(
    model.seeds.map((seed) => [seed.classes, classes(...new Array<number>(images).fill(target))]),
  )
  const out = await run(model, { x: { data: inputs, dims: [images, 3, HEIGHT, WIDTH] }, ...feeds })
  return numbers(out[model.gradients[0]?.[0] ?? ''])
}

/** The mean over the images of N x 3 x h x w numbers. */
function mean(values: readonly number[]): readonly number[] {
  const images = values.length / (3 * PIXELS)
  return Array.from({ length: 3 * PIXELS }, (_, i) => {
    let total = 0
    for (let n = 0; n < images; n++) total += values[n * 3 * PIXELS + i] ?? Number.NaN
    return total / images
  })
}

function expectMap(map: Float32Array, expected: readonly number[]): void {
  expect(expected.some((value) => value > 0.1)).toBe(true)
  const differences = Array.from(map, (value, i) => Math.abs(value - (expected[i] ?? Number.NaN)))
  expect(Math.max(...differences)).toBeLessThan(1e-4)
}

const models = temporaryModels()
afterAll(() => models.remove())

describe.each([
  ['channels first', plain],
  ['channels last', channelsLast],
])('a pixel method on a model with %s', (name, spec) => {
  let explainer: Explainer
  beforeAll(async () => {
    const path = models.write(name, modelBytes(spec))
    explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
  })
  afterAll(() => explainer?.dispose())
  const mapOf = async (method: string, options = {}) =>
    (await explainer.explain(photo, { method, target, sess: false, ...options })).map.data

  it('gradient is grey of the gradient', async () => {
    expectMap(await mapOf('gradient'), grey(await gradientsAt(window)))
  })

  it('input-x-gradient multiplies by the window', async () => {
    const gradient = await gradientsAt(window)
    expectMap(await mapOf('input-x-gradient'), grey(gradient.map((g, i) => g * (window[i] ?? 0))))
  })

  it('integrated-gradients averages over the middles of the path from the mean colour', async () => {
    const steps = 12
    const path = Float32Array.from({ length: steps * window.length }, (_, i) => {
      const k = Math.floor(i / window.length)
      return ((k + 0.5) / steps) * (window[i % window.length] ?? 0)
    })
    const average = mean(await gradientsAt(path))
    const map = await mapOf('integrated-gradients', { samples: steps })
    expectMap(map, grey(average.map((g, i) => g * (window[i] ?? 0))))
  })

  it('smoothgrad averages over noisy copies, the same for one seed whatever the batch', async () => {
    const copies = 6
    const layout = spec === plain ? 'NCHW' : 'NHWC'
    const noisy = await noisyCopies(copies, 7, layout)
    const map = await mapOf('smoothgrad', { samples: copies, seed: 7 })
    expectMap(map, grey(mean(await gradientsAt(noisy))))
    expect(await mapOf('smoothgrad', { samples: copies, seed: 7, batch: 3 })).toEqual(map)
    expect(await mapOf('smoothgrad', { samples: copies, seed: 8 })).not.toEqual(map)
    const largest = await mapOf('smoothgrad', { samples: copies, seed: Number.MAX_SAFE_INTEGER })
    expect(await mapOf('smoothgrad', { samples: copies, seed: Number.MAX_SAFE_INTEGER - 1 })).not.toEqual(largest)
    await expect(mapOf('smoothgrad', { seed: 2 ** 53 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('guided-backprop is no plain gradient, and guided-grad-cam is inside the CAM', async () => {
    const [guided, unguided] = [await mapOf('guided-backprop'), await mapOf('gradient')]
    expect(guided).not.toEqual(unguided)
    const [both, cam] = [await mapOf('guided-grad-cam'), await mapOf('grad-cam')]
    const product = Array.from(cam, (value, i) => value * (guided[i] ?? 0))
    expect(Math.max(...both)).toBe(1)
    const correlation = correlationOf(Array.from(both), product)
    expect(correlation).toBeGreaterThan(0.9)
  })
})

function correlationOf(a: readonly number[], b: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const middle = values.reduce((total, value) => total + value, 0) / values.length
    return values.map((value) => value - middle)
  }
  const [x, y] = [centred(a), centred(b)]
  return x.reduce((total, value, i) => total + value * (y[i] ?? 0), 0) / (Math.hypot(...x) * Math.hypot(...y))
}

/** The window with the noise of each copy, N x 3 x h x w; noise goes by the element's place in the input's own layout. */
async function noisyCopies(copies: number, seed: number, layout: 'NCHW' | 'NHWC'): Promise<Float32Array> {
  const device = new Device({ type: 'cpu', threads: 1 })
  const stream = new Stream(device)
  const swap = (i: number) => (layout === 'NCHW' ? i : Math.floor(i / 3) + (i % 3) * PIXELS)
  const input = Tensor.wrap(
    device,
    Float32Array.from(window, (_, i) => window[swap(i)] ?? 0),
    [1, 3, HEIGHT, WIDTH],
  )
  const out = new Tensor(device, 'float32', [1, 3, HEIGHT, WIDTH])
  const all = new Float32Array(copies * window.length)
  for (let copy = 0; copy < copies; copy++) {
    await noise(stream, input, { windows: Int32Array.of(0), copy, seed, strength: 0.15 }, out)
    for (const [i, value] of out.read().entries()) all[copy * window.length + swap(i)] = value
  }
  stream.dispose()
  device.dispose()
  return all
}

describe('guided backpropagation', () => {
  it('follows the rule at every rectifier', async () => {
    // z = relu(-relu(x)) w: guiding stops the negative gradient that plain backpropagation would pass on
    const nodes = [
      op('Conv', 'x k', 'c'),
      op('Relu', 'c', 'a'),
      op('GlobalAveragePool', 'a', 'p'),
      op('Flatten', 'p', 'f'),
      op('Gemm', 'f w', 'z', { transB: int(1) }),
    ]
    const next = uniform(11)
    const kernel = Array.from({ length: 2 * 3 }, next)
    const tensors = [floatTensor('k', kernel, [2, 3, 1, 1]), floatTensor('w', [1, -1, -1, 1], [2, 2])]
    const path = models.write('guided', modelBytes({ input: { dims: ['n', 3, HEIGHT, WIDTH] }, nodes, tensors }))
    await using explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    const { map } = await explainer.explain(photo, { method: 'guided-backprop', target: 0, sess: false })
    // Only channel 0 has a positive weight for class 0: its kernel where it is active, nothing elsewhere.
    const active = Array.from({ length: PIXELS }, (_, p) =>
      [0, 1, 2].reduce((total, c) => total + (kernel[c] ?? 0) * (window[c * PIXELS + p] ?? 0), 0) > 0 ? 1 : 0,
    )
    expect(Array.from(map.data)).toEqual(active)
  })

  it('is refused on a model without rectifiers', async () => {
    const nodes = plain.nodes.map((node) =>
      node.opType === 'Relu' ? op('Tanh', node.input[0] ?? '', node.output[0] ?? '') : node,
    )
    const path = models.write('tanh', modelBytes({ ...plain, nodes }))
    await using explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    await expect(explainer.explain(photo, { method: 'guided-backprop', target })).rejects.toMatchObject({
      code: 'METHOD_UNSUPPORTED',
    })
    const support = explainer.info.methods.find(({ name }) => name === 'guided-backprop')
    expect(support).toMatchObject({ supported: false, reason: expect.stringContaining('no Relu') })
  })
})

describe('a class held against another', () => {
  it.each(['grad-cam', 'gradient', 'xgrad-cam'])('%s explains the difference of the logits', async (method) => {
    const w = Array.from({ length: K * 7 }, uniform(21))
    const difference = w.map((value, i) => {
      const [row, column] = [Math.floor(i / 7), i % 7]
      return row === target ? value - 0.5 * (w[7 + column] ?? 0) + 2 * (w[column] ?? 0) : value
    })
    const model = (rows: readonly number[]) =>
      modelBytes({ ...plain, tensors: [...weights.slice(0, 2), floatTensor('w', rows, [K, 7])] })
    const options = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
    await using explainer = await Explainer.load(models.write('rows', model(w)), options)
    await using expected = await Explainer.load(models.write('difference', model(difference)), options)
    const against = [
      { target: 1, weight: 0.5 },
      { target: 0, weight: -2 },
    ]
    const { map } = await explainer.explain(photo, { method, target, against, sess: false })
    const whole = await expected.explain(photo, { method, target, sess: false })
    expectMap(map.data, Array.from(whole.map.data))
    const [, one] = await explainer.explain(photo, { method, target: [2, target], against: 1, sess: false })
    expect(one?.map.data).not.toEqual(map.data)
  })
})

describe('the class that the photo itself says', () => {
  const square = { data: photo.data.slice(0, 11 * 11 * 3), width: 11, height: 11, channels: 3 } as const
  const squareSpec: ModelSpec = { ...plain, input: { dims: ['n', 3, 11, 11] } }

  it.each(methods.map(({ name }) => name))('is explained by %s as if it were named', async (method) => {
    const path = models.write('square', modelBytes(squareSpec))
    await using explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    const samples = /smooth|integrated/.test(method) ? { samples: 4 } : {}
    for (const options of [{ sess: false }, { scales: [11, 19] }]) {
      const top = await explainer.explain(square, { method, ...samples, ...options })
      const same = await explainer.explain(square, { method, ...samples, ...options, target: top.target.index })
      expect(top.map.data).toEqual(same.map.data)
      expect(Math.max(...top.map.data)).toBeGreaterThan(0)
    }
  })

  it('cannot be held against itself', async () => {
    const path = models.write('square', modelBytes(squareSpec))
    await using explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    const [first] = await explainer.classify(square, { top: 1 })
    const index = first?.index ?? -1
    const refused = { code: 'OPTION_INVALID', message: expect.stringContaining('against') }
    for (const options of [{ against: index }, { target: 2, against: 2 }, { target: [1, 2], against: 2 }]) {
      await expect(explainer.explain(square, options)).rejects.toMatchObject(refused)
    }
    const top = [{ target: 'top-1', weight: 1 }]
    await expect(explainer.explain(square, { against: top })).rejects.toMatchObject(refused)
    const against = [{ target: 1, weight: 0.5 }]
    await expect(explainer.explain(square, { against, method: 'eigen-cam' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message:
        'against is [{ target: 1, weight: 0.5 }], but eigen-cam reads no class: leave it out, or take a method that does.',
    })
    await expect(explainer.explain(square, { samples: 3 })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/^samples is 3, but grad-cam has .*: leave it out/),
    })
    const half = await explainer.explain(square, { target: 2, against: [{ target: 2, weight: 0.5 }], sess: false })
    expect(Math.max(...half.map.data)).toBeGreaterThan(0)
  })

  it('is asked of a plan too', async () => {
    const path = models.write('square', modelBytes(squareSpec))
    await using explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    const size = { height: 40, width: 30 }
    expect(() => explainer.plan(size, { target: 99 })).toThrow(expect.objectContaining({ code: 'TARGET_UNKNOWN' }))
    expect(() => explainer.plan(size, { against: 99 })).toThrow(expect.objectContaining({ code: 'TARGET_UNKNOWN' }))
    const one = explainer.plan({ height: 400, width: 300 }, { target: 1 })
    const five = explainer.plan({ height: 400, width: 300 }, { target: [0, 1, 2, 3, 4] })
    expect(five.memory - one.memory).toBeGreaterThanOrEqual(4 * 8 * 400 * 300)
  })
})

describe('a layer', () => {
  it('that the method does not read is refused where it is asked for, and no matter as the default', async () => {
    const path = models.write('layered', modelBytes(plain))
    const options = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
    await using explainer = await Explainer.load(path, { ...options, layer: 'c' })
    const [asked, size] = [
      { method: 'gradient', target, layer: 'c', sess: false },
      { height: HEIGHT, width: WIDTH },
    ]
    const refused = {
      code: 'OPTION_INVALID',
      message: 'layer is "c", but gradient reads no layer: leave it out, or take a method that does, such as grad-cam.',
    }
    await expect(explainer.explain(photo, asked)).rejects.toMatchObject(refused)
    expect(() => explainer.plan(size, asked)).toThrow(expect.objectContaining(refused))
    for (const method of ['gradient', 'guided-grad-cam', 'grad-cam']) {
      const { options } = await explainer.explain(photo, { method, target, sess: false })
      expect(options.layer).toBe(method === 'gradient' ? undefined : 'c')
    }
    for (const method of ['guided-grad-cam', 'grad-cam']) {
      expect((await explainer.explain(photo, { ...asked, method, layer: 'e' })).layer).toBeDefined()
      expect(explainer.plan(size, { ...asked, method }).forwards).toBe(1)
    }
  })
})

describe('a pre-filter', () => {
  it('spares the copies of the windows that it drops', async () => {
    const path = models.write('filtered', modelBytes(plain))
    await using explainer = await Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    const options = { method: 'integrated-gradients', samples: 5, target, scales: [14, 30], preFilter: 0.8 }
    const calls: { done: number; total: number }[] = []
    const filtered = await explainer.explain(photo, { ...options, onProgress: (progress) => calls.push(progress) })
    const windows = filtered.windows.length
    const kept = filtered.windows.filter((window) => window.kept).length
    expect(kept).toBe(windows - Math.floor(windows * 0.8))
    expect(calls.every(({ done, total }, i) => done <= total && done >= (calls[i - 1]?.done ?? 0))).toBe(true)
    expect(calls.at(-2)?.done).toBeLessThan(windows * 6)
    expect(explainer.plan({ height: HEIGHT, width: WIDTH }, options).forwards).toBe(calls.at(-1)?.total)
  })
})
