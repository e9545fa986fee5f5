import { describe, expect, it } from 'vitest'
import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { type Method, methodByName } from '../../src/methods/index.ts'
import { type ClassifierGraph, loadClassifier, resolveLayer } from '../../src/onnx/classifier.ts'
import { buildGradientModel } from '../../src/onnx/gradient-model.ts'
import { classes, numbers, randomImages } from '../onnx/heads.ts'
import { modelBytes } from '../onnx/models.ts'
import { probe, run } from '../onnx/ort.ts'
import { MODELS } from './layouts.ts'
import { plainCams } from './plain.ts'

const IMAGES = 3

async function readModel(name: string, overrides = {}): Promise<ClassifierGraph> {
  return await loadClassifier({ bytes: modelBytes(MODELS[name] ?? { nodes: [] }) }, overrides, probe)
}

/** N x C x cells of a tensor with the layer's own axes. */
function channelsOf(
  values: readonly number[],
  { layer }: ClassifierGraph,
): readonly (readonly (readonly number[])[])[] {
  if (layer === undefined) throw new Error('no layer')
  const { channels, height, width, layout, skip } = layer
  const cells = height * width
  const at = (n: number, c: number, p: number): number =>
    layout === 'NCHW' ? (n * channels + c) * cells + p : (n * (skip + cells) + skip + p) * channels + c
  return Array.from({ length: IMAGES }, (_, n) =>
    Array.from({ length: channels }, (_, c) =>
      Array.from({ length: cells }, (_, p) => values[at(n, c, p)] ?? Number.NaN),
    ),
  )
}

/** The maps `relu(sum_c weights_c features_c)` that the method's graph leaves, N x cells. */
async function mapsOf(
  classifier: ClassifierGraph,
  method: Method,
  images: ReturnType<typeof randomImages>,
  target: number[],
) {
  const model = buildExplainModel(classifier, { method, seeds: ['class'] })
  const feeds = Object.fromEntries(model.seeds.map((seed) => [seed.classes, classes(...target)]))
  const out = await run(model, { [model.inputName]: images, ...feeds })
  const [cam] = model.targets
  if (cam?.kind !== 'cam') throw new Error('no CAM')
  const features = out[cam.features]
  const cells = (features?.dims[2] ?? 0) * (features?.dims[3] ?? 0)
  const weights = cam.weights === undefined ? undefined : numbers(out[cam.weights])
  return Array.from({ length: IMAGES }, (_, n) =>
    Array.from({ length: cells }, (_, p) => {
      let total = 0
      for (let c = 0; c < cam.channels; c++) {
        const feature = Number(features?.data[(n * cam.channels + c) * cells + p])
        total += (weights?.[n * cam.channels + c] ?? 1) * feature
      }
      return Math.max(0, total)
    }),
  )
}

/** Largest difference after each map is scaled to a maximum of 1: what is left of it after min-max. */
function scaledDifference(map: readonly number[], expected: readonly number[]): number {
  const [a, b] = [Math.max(...map), Math.max(...expected)]
  if (!(b > 0)) throw new Error('an empty map proves nothing')
  return Math.max(...map.map((value, p) => Math.abs(value / a - (expected[p] ?? Number.NaN) / b)))
}

describe.each(Object.keys(MODELS))('on a model with %s', (name) => {
  it.each(Object.keys(plainCams))('%s is its formula, image by image', async (methodName) => {
    const classifier = await readModel(name)
    const images = randomImages([IMAGES, 3, classifier.height, classifier.width])
    const gradients = buildGradientModel(classifier, { seeds: ['class'], tensors: ['a'] })
    const target = [1, 4, 2]
    const layerModel = buildExplainModel(classifier, { method: methodByName('grad-cam'), seeds: ['class'] })
    expect(layerModel.layer?.name).toBe('a')
    const seed = Object.fromEntries(gradients.seeds.map(({ classes: input }) => [input, classes(...target)]))
    const slopes = await run(gradients, { [gradients.inputName]: images, ...seed })
    const g = channelsOf(numbers(slopes[gradients.gradients[0]?.[0] ?? '']), classifier)
    const a = await activations(classifier, images)
    const maps = await mapsOf(classifier, methodByName(methodName), images, target)
    for (const [n, map] of maps.entries()) {
      const expected = plainCams[methodName]?.(a[n] ?? [], g[n] ?? []) ?? []
      expect(scaledDifference(map, expected)).toBeLessThan(1e-4)
    }
  })
})

/** N x C x cells of the target layer. */
async function activations(classifier: ClassifierGraph, images: ReturnType<typeof randomImages>) {
  const model = buildExplainModel(classifier, { method: methodByName('grad-cam'), seeds: ['class'] })
  const feeds = Object.fromEntries(model.seeds.map((seed) => [seed.classes, classes(0, 0, 0)]))
  const out = await run(model, { [model.inputName]: images, ...feeds })
  const [cam] = model.targets
  if (cam?.kind !== 'cam' || classifier.layer === undefined) throw new Error('no CAM')
  return channelsOf(numbers(out[cam.features]), {
    ...classifier,
    layer: { ...classifier.layer, layout: 'NCHW', skip: 0 },
  })
}

describe('cam', () => {
  it('is Grad-CAM before a pooled linear head', async () => {
    const classifier = await readModel('a pooled linear head')
    const images = randomImages([IMAGES, 3, 13, 16])
    const [cam, gradCam] = [
      await mapsOf(classifier, methodByName('cam'), images, [0, 1, 2]),
      await mapsOf(classifier, methodByName('grad-cam'), images, [0, 1, 2]),
    ]
    for (const [n, map] of cam.entries()) expect(scaledDifference(map, gradCam[n] ?? [])).toBeLessThan(1e-6)
  })

  it.each(['a head of two linear layers over every cell', 'channels last', 'tokens behind a class token'])(
    'is refused on a model with %s',
    async (name) => {
      const classifier = await readModel(name)
      expect(() => buildExplainModel(classifier, { method: methodByName('cam'), seeds: ['class'] })).toThrow(
        expect.objectContaining({ code: 'METHOD_UNSUPPORTED', message: expect.stringContaining('take grad-cam') }),
      )
    },
  )
})

describe('a transformer that reads its class token alone', () => {
  it('is explained at the last tokens whose patches still reach the logits', async () => {
    const classifier = await readModel('tokens behind a class token')
    const { layer } = classifier
    expect(layer).toEqual({ name: 'a', channels: 6, height: 3, width: 4, layout: 'tokens', skip: 1 })
    expect(() => resolveLayer(classifier, 'out')).toThrow(
      expect.objectContaining({ code: 'LAYER_NOT_FOUND', message: expect.stringContaining('last attention') }),
    )
  })

  it('takes the patch grid that is stated, and refuses one that does not fit', async () => {
    const name = 'tokens behind a class token'
    const wide = await readModel(name, { tokens: { height: 2, width: 6 } })
    expect(wide.layer).toMatchObject({ name: 'a', height: 2, width: 6, skip: 1 })
    await expect(readModel(name, { tokens: { height: 4, width: 4 } })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(
        /^tokens is \[4, 4\], but no tensor of model ".*" holds such a grid .*leave it out/,
      ),
    })
    const noTokens = readModel('channels last', { tokens: { height: 3, width: 4 } })
    await expect(noTokens).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
