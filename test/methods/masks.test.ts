import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import { ablationCam } from '../../src/methods/ablation-cam.ts'
import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { gradCam } from '../../src/methods/grad-cam.ts'
import { Device, riseMask, Stream, Tensor } from '../../src/native.ts'
import { type ClassifierGraph, loadClassifier } from '../../src/onnx/classifier.ts'
import { buildForwardModel } from '../../src/onnx/forward-model.ts'
import { buildHeadModel } from '../../src/onnx/head-model.ts'
import { classes, numbers } from '../onnx/heads.ts'
import { modelBytes } from '../onnx/models.ts'
import { probe, run } from '../onnx/ort.ts'
import { temporaryModels } from '../temporary-models.ts'
import { K, MODELS } from './layouts.ts'
import { blur, masked, norm, relu, softmax, sumOf, up } from './plain-masks.ts'

const models = temporaryModels()
afterAll(() => models.remove())
const preprocessing = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
const target = 3

function photoOf(height: number, width: number) {
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 73 + ((i * i) % 251)) % 256)
  return { data, width, height, channels: 3 } as const
}

/** A photo of the window's size after preprocessing, 3 x h x w. */
function windowOf({ data, width, height }: ReturnType<typeof photoOf>): readonly number[] {
  const pixels = height * width
  return Array.from({ length: 3 * pixels }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / pixels), i % pixels]
    return ((data[pixel * 3 + channel] ?? 0) / 255 - 0.5) / 0.25
  })
}

function expectMap(map: Float32Array, expected: readonly number[]): void {
  expect(expected.some((value) => value > 0.1)).toBe(true)
  expect(Math.max(...Array.from(map, (value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))).toBeLessThan(2e-4)
}

/** Asks a classifier image by image. */
class Oracle {
  readonly frame: { readonly height: number; readonly width: number }
  readonly #classifier: ClassifierGraph

  constructor(classifier: ClassifierGraph) {
    this.#classifier = classifier
    this.frame = { height: classifier.height, width: classifier.width }
  }

  async logits(images: readonly (readonly number[])[]): Promise<readonly (readonly number[])[]> {
    const model = buildForwardModel(this.#classifier)
    const data = Float32Array.from(images.flat())
    const out = await run(model, {
      [model.inputName]: { data, dims: [images.length, 3, this.frame.height, this.frame.width] },
    })
    const all = numbers(out[model.logits])
    return images.map((_, n) => all.slice(n * K, (n + 1) * K))
  }

  async probabilities(images: readonly (readonly number[])[]): Promise<readonly number[]> {
    return (await this.logits(images)).map((logits) => softmax(logits)[target] ?? Number.NaN)
  }

  /** Activations and Grad-CAM's weights, channel by channel. */
  async channels(image: readonly number[]) {
    const model = buildExplainModel(this.#classifier, { method: gradCam, seeds: ['class'] })
    const [cam] = model.targets
    if (cam?.kind !== 'cam' || model.layer === undefined) throw new Error('no CAM')
    const dims = [1, 3, this.frame.height, this.frame.width]
    const seed = Object.fromEntries(model.seeds.map((inputs) => [inputs.classes, classes(target)]))
    const out = await run(model, { [model.inputName]: { data: Float32Array.from(image), dims }, ...seed })
    const cells = model.layer.height * model.layer.width
    const activations = numbers(out[cam.features])
    return {
      grid: { height: model.layer.height, width: model.layer.width },
      maps: Array.from({ length: cam.channels }, (_, c) => activations.slice(c * cells, (c + 1) * cells)),
      weights: numbers(out[cam.weights ?? '']),
    }
  }

  /** Logits behind the target layer when each of its channels in turn is zero. */
  async without(image: readonly number[]): Promise<readonly (readonly number[])[]> {
    const { layer, inputName } = this.#classifier
    const model = buildExplainModel(this.#classifier, { method: ablationCam, seeds: ['class'] })
    if (layer === undefined || model.layerTensor === undefined) throw new Error('no layer')
    const dims = [1, 3, this.frame.height, this.frame.width]
    const seed = Object.fromEntries(model.seeds.map((inputs) => [inputs.classes, classes(target)]))
    const out = await run(model, { [inputName]: { data: Float32Array.from(image), dims }, ...seed })
    const whole = numbers(out[layer.name])
    const head = buildHeadModel(this.#classifier, model.layerTensor)
    const logits: (readonly number[])[] = []
    for (let c = 0; c < layer.channels; c++) {
      const cells = layer.height * layer.width
      const isOfChannel = (i: number) =>
        layer.layout === 'NCHW' ? Math.floor(i / cells) === c : i % layer.channels === c
      const data = Float32Array.from(whole, (value, i) => (isOfChannel(i) ? 0 : value))
      const answer = await run(head, { [layer.name]: { data, dims: [1, ...model.layerTensor.shape] } })
      logits.push(numbers(answer[head.logits]))
    }
    return logits
  }
}

describe.each(Object.keys(MODELS))('on a model with %s', (name) => {
  let explainer: Explainer
  let oracle: Oracle
  const spec = MODELS[name] ?? { nodes: [] }
  const [, , height = 0, width = 0] = (spec.input?.dims ?? []).map(Number)
  const photo = photoOf(height, width)
  const window = windowOf(photo)
  beforeAll(async () => {
    const bytes = modelBytes(spec)
    explainer = await Explainer.load(models.write(name, bytes), preprocessing)
    oracle = new Oracle(await loadClassifier({ bytes }, {}, probe))
  })
  afterAll(() => explainer?.dispose())
  const mapOf = async (method: string, options = {}) =>
    (await explainer.explain(photo, { method, target, sess: false, ...options })).map.data

  it('score-cam weighs the upsampled channels by what the model says behind each', async () => {
    const { maps, grid } = await oracle.channels(window)
    const uneven = maps.filter((map) => Math.max(...map) > Math.min(...map)).map((map) => up(map, grid, oracle.frame))
    const p = await oracle.probabilities(uneven.map((map) => masked(window, norm(map))))
    expectMap(await mapOf('score-cam'), norm(relu(sumOf(uneven, p))))
  })

  it('score-cam takes the channels of the largest variance alone', async () => {
    const { maps, grid } = await oracle.channels(window)
    const variance = (map: readonly number[]) => {
      const mean = map.reduce((sum, value) => sum + value, 0) / map.length
      return map.reduce((sum, value) => sum + (value - mean) ** 2, 0) / map.length
    }
    const top = [...maps].sort((a, b) => variance(b) - variance(a)).slice(0, 2)
    const chosen = top.map((map) => up(map, grid, oracle.frame))
    const p = await oracle.probabilities(chosen.map((map) => masked(window, norm(map))))
    expectMap(await mapOf('score-cam', { topChannels: 2 }), norm(relu(sumOf(chosen, p))))
  })

  it.each([1, 2, 3, 6])('group-cam blends %i groups with the blurred window', async (groups) => {
    const { maps, weights, grid } = await oracle.channels(window)
    const size = Math.ceil(maps.length / groups)
    const sums = Array.from({ length: Math.ceil(maps.length / size) }, (_, k) => {
      const channels = maps.slice(k * size, (k + 1) * size)
      return relu(sumOf(channels, weights.slice(k * size, (k + 1) * size)))
    })
    const uneven = sums.filter((map) => Math.max(...map) > Math.min(...map)).map((map) => up(map, grid, oracle.frame))
    const blurred = blur(window, oracle.frame, 51, 50)
    const [base = 0] = await oracle.probabilities([blurred])
    const p =
      uneven.length === 0 ? [] : await oracle.probabilities(uneven.map((map) => masked(window, norm(map), blurred)))
    const gain = p.map((value) => Math.max(0, value - base))
    const map = await mapOf('group-cam', { groups })
    if (gain.every((value) => value === 0)) expect(Math.max(...map)).toBe(0)
    else expectMap(map, norm(sumOf(uneven, gain)))
  })

  it('ablation-cam weighs channels by what their absence takes away', async () => {
    const { maps, grid } = await oracle.channels(window)
    const [whole = []] = await oracle.logits([window])
    const z = whole[target] ?? Number.NaN
    const without = await oracle.without(window)
    const weights = without.map((logits) => (z - (logits[target] ?? Number.NaN)) / z)
    const sum = relu(sumOf(maps, weights))
    const map = await mapOf('ablation-cam')
    if (Math.max(...sum) === 0) expect(Math.max(...map)).toBe(0)
    else expectMap(map, norm(up(sum, grid, oracle.frame)))
  })

  it('rise averages its masks by what the model says behind each', async () => {
    const [count, maskGrid, keep, seed] = [40, 3, 0.4, 5]
    const masks = await drawnMasks({ count, grid: maskGrid, keep, seed, height, width })
    const p = await oracle.probabilities(masks.map((mask) => masked(window, mask)))
    const expected = sumOf(masks, p).map((value) => value / (count * keep))
    expectMap(await mapOf('rise', { masks: count, maskGrid, keep, seed }), norm(expected))
  })

  it('occlusion averages the drop of the squares that cover a pixel', async () => {
    const [square, stride] = [5, 3]
    const starts = (length: number) => {
      const list = [0]
      while ((list.at(-1) ?? 0) + square < length) list.push(Math.min((list.at(-1) ?? 0) + stride, length - square))
      return list
    }
    const masks = starts(height).flatMap((y) =>
      starts(width).map((x) =>
        Array.from({ length: height * width }, (_, p) => {
          const [row, column] = [Math.floor(p / width), p % width]
          return row >= y && row < y + square && column >= x && column < x + square ? 0 : 1
        }),
      ),
    )
    const [whole = 0] = await oracle.probabilities([window])
    const p = await oracle.probabilities(masks.map((mask) => masked(window, mask)))
    const expected = window.slice(0, height * width).map((_, i) => {
      const covering = masks.flatMap((mask, k) => (mask[i] === 0 ? [whole - (p[k] ?? 0)] : []))
      return covering.reduce((sum, drop) => sum + drop, 0) / covering.length
    })
    expectMap(await mapOf('occlusion', { square, stride }), norm(expected))
  })

  it('group-cam finds groups of like channels, the same for one seed', async () => {
    const map = await mapOf('group-cam', { groups: 2, grouping: 'k-means', seed: 3 })
    expect(await mapOf('group-cam', { groups: 2, grouping: 'k-means', seed: 3 })).toEqual(map)
    // as many clusters as channels are groups of one channel each, in whatever order
    const single = await mapOf('group-cam', { groups: 6, grouping: 'k-means' })
    const expected = await mapOf('group-cam', { groups: 6 })
    expect(Math.max(...single.map((value, i) => Math.abs(value - (expected[i] ?? 0))))).toBeLessThan(1e-5)
  })
})

/** Masks of RISE as the op draws them, laid over ones. */
async function drawnMasks(options: {
  readonly count: number
  readonly grid: number
  readonly keep: number
  readonly seed: number
  readonly height: number
  readonly width: number
}): Promise<readonly (readonly number[])[]> {
  const { count, grid, keep, seed, height, width } = options
  const device = new Device({ type: 'cpu', threads: 1 })
  const stream = new Stream(device)
  const ones = Tensor.wrap(device, new Float32Array(3 * height * width).fill(1), [1, 3, height, width])
  const out = new Tensor(device, 'float32', [count, 3, height, width])
  const pairs = Int32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 0 : (i - 1) / 2))
  await riseMask(stream, ones, { pairs, seed, grid, keep, layout: 'NCHW' }, out)
  const all = Array.from(out.read())
  stream.dispose()
  device.dispose()
  return Array.from({ length: count }, (_, m) => all.slice(m * 3 * height * width, (m * 3 + 1) * height * width))
}
