import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { models } from '../../src/models/registry.ts'
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

async function infoOf(name: string, spec: ModelSpec) {
  const path = join(folder, `${name}.onnx`)
  writeFileSync(path, modelBytes(spec))
  return await models.info(path)
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
      layer: { name: 'e', channels: 4, height: 4, width: 4 },
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
    const manifest = {
      schema: 1,
      id: 'own',
      file: 'own.onnx',
      input: { channels: 'BGR' },
      preprocess: { mean: [103.939, 116.779, 123.68], std: [1, 1, 1], scale: 1 },
      layer: 'r',
      activation: 'sigmoid',
      labels: ['a', 'b', 'c', 'd', 'e'],
    }
    writeFileSync(join(folder, 'own.json'), JSON.stringify(manifest))
    const info = await infoOf('own', small)
    expect(info).toMatchObject({ id: 'own', manifest: join(folder, 'own.json'), labels: 5 })
    expect(info.analysis).toMatchObject({
      activation: { name: 'sigmoid', from: 'the manifest' },
      layer: { name: 'r', reason: 'the manifest names it' },
      preprocessing: { channels: 'BGR', scale: 1, mean: [103.939, 116.779, 123.68], std: [1, 1, 1] },
    })
  })

  it('an operator without a gradient is why a method is not supported', async () => {
    const { analysis } = await infoOf('odd', {
      ...small,
      nodes: small.nodes.map((node) => (node.output[0] === 'g' ? op('GlobalLpPool', 'e', 'g') : node)),
    })
    const reason = expect.stringMatching(/GlobalLpPool.*no gradient rule/)
    expect(analysis?.methods).toEqual(expect.arrayContaining([{ name: 'grad-cam', supported: false, reason }]))
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
