import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type InfoOptions, models } from '../../src/models/registry.ts'
import { floatTensor } from '../../src/onnx/tensors.ts'
import { int, ints, type ModelSpec, modelBytes, op } from '../onnx/models.ts'
import { shared, sharedMissing } from '../shared.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-info-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const zeros = (name: string, ...dims: readonly number[]) =>
  floatTensor(name, new Array(dims.reduce((a, b) => a * b, 1)).fill(0.01), dims)

/** Conv 3 -> 4 in 2 groups of nothing, pool, Gemm 4 -> 5, softmax. */
const small: ModelSpec = {
  input: { dims: [1, 3, 8, 8] },
  nodes: [
    op('Conv', 'x w', 'c', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1), strides: ints(2, 2) }),
    op('Relu', 'c', 'r'),
    op('Conv', 'r d', 'e', { kernel_shape: ints(1, 1), group: int(4) }),
    op('GlobalAveragePool', 'e', 'g'),
    op('Flatten', 'g', 'f'),
    op('Gemm', 'f m b', 'z', { transB: int(1) }),
    op('Softmax', 'z', 'p', { axis: int(1) }),
  ],
  tensors: [zeros('w', 4, 3, 3, 3), zeros('d', 4, 1, 1, 1), zeros('m', 5, 4), zeros('b', 5)],
}

async function infoOf(name: string, spec: ModelSpec, options: InfoOptions = {}) {
  const path = join(folder, `${name}.onnx`)
  writeFileSync(path, modelBytes(spec))
  return await models.info(path, options)
}

const own = {
  schema: 1,
  id: 'own',
  file: 'own.onnx',
  input: { channels: 'BGR' },
  preprocess: { mean: [103.939, 116.779, 123.68], std: [1, 1, 1], scale: 1 },
  layer: 'r',
  activation: 'sigmoid',
  labels: ['a', 'b', 'c', 'd', 'e'],
}

describe('what a model is', () => {
  it('is read off its graph', async () => {
    const { id, state, manifest, analysis } = await infoOf('small', small)
    expect({ id, state, manifest }).toEqual({ id: 'small', state: 'file', manifest: undefined })
    expect(analysis).toMatchObject({
      input: { name: 'x', layout: 'NCHW', height: 8, width: 8 },
      classes: 5,
      logits: 'z',
      batch: 'made-dynamic',
      activation: { name: 'softmax', from: 'the graph' },
      layer: { name: 'e', channels: 4, height: 4, width: 4, reason: 'last-on-every-path' },
      methods: expect.arrayContaining([{ name: 'grad-cam', supported: true }]),
      preprocessing: { channels: 'RGB', mean: [0.485, 0.456, 0.406], from: expect.stringMatching(/assumed/) },
    })
    expect(analysis?.candidates?.map(({ name }) => name)).toEqual(['e', 'r', 'c'])
    expect(analysis?.operators[0]).toEqual({ type: 'Conv', count: 2 })
    // By hand: 27 products for each of 4 x 4 x 4, one for each again, 4 for each of 5.
    expect(analysis?.multiplyAdds).toBe(27 * 64 + 64 + 20)
    expect(analysis?.parameters).toBe(108 + 4 + 20 + 5)
  })

  it('a manifest is told as such, and its preprocessing as stated', async () => {
    writeFileSync(join(folder, 'own.json'), JSON.stringify(own))
    const info = await infoOf('own', small)
    expect(info).toMatchObject({ id: 'own', manifest: join(folder, 'own.json'), labels: 5 })
    expect(info.analysis).toMatchObject({
      activation: { name: 'sigmoid', from: 'the manifest' },
      layer: { name: 'r', reason: 'manifest' },
      preprocessing: { channels: 'BGR', scale: 1, mean: [103.939, 116.779, 123.68], std: [1, 1, 1] },
    })
  })

  it('options go before the manifest, and say so', async () => {
    writeFileSync(join(folder, 'own.json'), JSON.stringify(own))
    const half = { mean: [0, 1, 2], std: [4, 5, 6] }
    writeFileSync(join(folder, 'labels.txt'), 'v\nw\nx\ny\nz\n')
    const options = { ...half, layer: 'c', activation: 'softmax', labels: join(folder, 'labels.txt') } as const
    const info = await infoOf('own', small, options)
    expect(info).toMatchObject({ labels: 5, manifest: join(folder, 'own.json') })
    expect(info.analysis).toMatchObject({
      activation: { name: 'softmax', from: 'the option activation' },
      layer: { name: 'c', reason: 'option' },
      preprocessing: { channels: 'BGR', scale: 1, ...half, from: 'the options mean and std' },
    })
    expect((await infoOf('own', small, { mean: [0, 1, 2] })).analysis?.preprocessing).toMatchObject({
      mean: [0, 1, 2],
      std: [1, 1, 1],
      from: `the option mean, and ${join(folder, 'own.json')}`,
    })
  })

  it.each<[string, string, InfoOptions, RegExp]>([
    ['a layer that is none', 'LAYER_NOT_FOUND', { layer: 'q' }, /"q".*Candidates: "e", "r", "c"/],
    ['a layer behind the pooling', 'LAYER_NOT_FOUND', { layer: 'g' }, /no feature map/],
    ['labels of other classes', 'OPTION_INVALID', { labels: ['a', 'b'] }, /2 labels.*5 classes/],
    ['labels that are not there', 'OPTION_INVALID', { labels: '/none/labels.txt' }, /^labels is/],
    ['a mean without a std', 'OPTION_INVALID', { mean: [0, 0, 0] }, /^std is/],
    ['two means', 'OPTION_INVALID', { mean: [0, 0], std: [1, 1, 1] }, /^mean is/],
    ['a std of 0', 'OPTION_INVALID', { mean: [0, 0, 0], std: [1, 0, 1] }, /^std is/],
  ])('%s is refused with %s', async (_, code, options, message) => {
    const failure = infoOf('bare', small, options)
    await expect(failure).rejects.toMatchObject({ code })
    await expect(failure).rejects.toThrow(message)
  })

  it('a layer that the manifest names wrongly is told as what is wrong with the model', async () => {
    writeFileSync(join(folder, 'lost.json'), JSON.stringify({ ...own, id: 'lost', file: 'lost.onnx', layer: 'q' }))
    const { analysis } = await infoOf('lost', small)
    expect(analysis?.unsupported).toMatch(/Layer "q".*Candidates: "e"/)
    expect((await infoOf('lost', small, { layer: 'r' })).analysis?.layer).toMatchObject({ name: 'r', reason: 'option' })
  })

  it.each<[string, object, readonly string[]]>([
    ['crops and resamples', { size: { shortest_edge: 9 }, crop_size: 8, resample: 3 }, ['crop', 'resample']],
    ['crops by a share', { size: 8, crop_pct: 0.875 }, ['crop']],
    ['does not crop', { size: 8, crop_size: 8, do_center_crop: false, resample: 2 }, ['resample']],
    ['does neither', { size: 8 }, []],
  ])('a preprocessor that %s has steps that are not applied', async (_, preprocessor, notApplied) => {
    mkdirSync(join(folder, 'hub'), { recursive: true })
    writeFileSync(join(folder, 'hub/preprocessor_config.json'), JSON.stringify(preprocessor))
    expect((await infoOf('hub/model', small)).analysis?.preprocessing).toMatchObject({ notApplied })
  })

  it('an operator without a gradient is why a method is not supported', async () => {
    const { analysis } = await infoOf('odd', {
      ...small,
      nodes: small.nodes.flatMap((node) =>
        node.output[0] === 'g'
          ? [op('LpPool', 'e', 'l', { kernel_shape: ints(1, 1) }), op('GlobalAveragePool', 'l', 'g')]
          : [node],
      ),
    })
    const reason = expect.stringMatching(/LpPool.*no gradient rule/)
    expect(analysis?.methods).toEqual(expect.arrayContaining([{ name: 'gradient', supported: false, reason }]))
    expect(analysis?.classes).toBe(5)
  })

  it('a graph that is no classifier is still described', async () => {
    const { analysis } = await infoOf('map', { ...small, outputs: ['r'] })
    expect(analysis).toMatchObject({ unsupported: expect.stringMatching(/no vector of classes/), parameters: 137 })
    expect(analysis?.methods.every(({ supported }) => !supported)).toBe(true)
  })

  it('a file that is no model is refused', async () => {
    writeFileSync(join(folder, 'text.onnx'), 'hello')
    await expect(models.info(join(folder, 'text.onnx'))).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  })

  it.skipIf(sharedMissing).each([
    ['mobilenet-v1-075-224', 325, 2.6, 'conv_pw_13_relu'],
    ['mobilenet-v2-100-224', 300.8, 3.49, 'out_relu'],
  ])('%s has the multiply-adds and parameters that its page states', async (name, multiplyAdds, parameters, layer) => {
    const { analysis } = await models.info(shared(`models/${name}.onnx`))
    expect((analysis?.multiplyAdds ?? 0) / 1e6).toBeCloseTo(multiplyAdds, multiplyAdds === 325 ? -1 : 1)
    expect((analysis?.parameters ?? 0) / 1e6).toBeCloseTo(parameters, 1)
    expect(analysis?.layer?.name).toBe(layer)
    expect(analysis?.preprocessing).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  })
})
