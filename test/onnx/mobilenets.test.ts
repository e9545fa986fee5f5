import { readFile } from 'node:fs/promises'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { buildForwardModel } from '../../src/onnx/forward-model.ts'
import { tensorValues } from '../../src/onnx/tensors.ts'
import { shared, sharedMissing } from '../shared.ts'
import { buildCamModel } from './cam-model.ts'
import { headOf, numbers, numericWeights, randomImages, runCam } from './heads.ts'
import { probe, run } from './ort.ts'

const MODELS = [
  { file: 'mobilenet-v1-075-224', layer: 'conv_pw_13_relu', channels: 768, head: 'preds.weight' },
  { file: 'mobilenet-v2-100-224', layer: 'out_relu', channels: 1280, head: 'predictions/weight' },
]

describe.skipIf(sharedMissing !== undefined)('the MobileNets of the reference data', () => {
  describe.each(MODELS)('$file', ({ file, layer, channels, head }) => {
    const path = shared(`models/${file}.onnx`)
    const image = [3, 224, 224]

    it('is understood: input, logits, classes, batch, the layer its manifest names', async () => {
      const manifest: { readonly layer: string } = JSON.parse(await readFile(shared(`models/${file}.json`), 'utf8'))
      const classifier = await loadClassifier({ path }, {}, probe)
      expect(classifier).toMatchObject({
        opset: 13,
        inputName: 'input',
        layout: 'NCHW',
        height: 224,
        width: 224,
        logits: 'logits',
        classes: 1000,
        activation: 'unknown',
        batch: 'dynamic',
        layer: { name: layer, channels, height: 7, width: 7, layout: 'NCHW' },
      })
      expect(classifier.layer?.name).toBe(manifest.layer)
    })

    it('needs for its CAM weights one row of the head, scaled: no matrix product, no expansion', async () => {
      const model = buildCamModel(await loadClassifier({ path }, {}, probe), { targets: 1 })
      const added = model.added.map((node) => node.opType)
      expect(added).toEqual(['ArgMax', 'Cast', 'Less', 'Cast', 'Add', 'Mul', 'Add', 'Gather', 'Mul'])
    })

    it('carries no weights: they are read from the original file', async () => {
      const model = buildCamModel(await loadClassifier({ path }, {}, probe), { targets: 1 })
      expect(model.externalFolder).toBeDefined()
      const { graph } = fromBinary(ModelProtoSchema, model.encode())
      expect(Math.max(...(graph?.initializer ?? []).map(({ rawData }) => rawData.length))).toBeLessThanOrEqual(1024)
      const locations = new Set(
        graph?.initializer.flatMap((t) => t.externalData.filter((e) => e.key === 'location')).map((e) => e.value),
      )
      expect([...locations]).toEqual([`${file}.onnx`])
    })

    it('gives the same logits as the bare model, and rows of the head over 49 as CAM weights', async () => {
      const classifier = await loadClassifier({ path }, {}, probe)
      const images = randomImages([2, ...image])
      const file = await readFile(path)
      const bare = await run({ bytes: file }, { input: images })
      const result = await runCam(buildCamModel(classifier, { targets: 1 }), images, [282, 7])
      expect(distance(result.logits, numbers(bare.logits))).toBeLessThan(1e-5)
      const forward = buildForwardModel(classifier)
      expect(numbers((await run(forward, { input: images }))[forward.logits])).toEqual(result.logits)
      const tensor = fromBinary(ModelProtoSchema, file).graph?.initializer.find(({ name }) => name === head)
      const rows = (tensor && tensorValues(tensor)) ?? []
      const expected = [282, 7].flatMap((k) => Array.from(rows.slice(k * channels, (k + 1) * channels), (w) => w / 49))
      expect(distance(result.weights[0] ?? [], expected)).toBeLessThan(1e-8)
    })

    it('has CAM weights that agree with differences of the logits', async () => {
      const images = randomImages([1, ...image])
      const classifier = await loadClassifier({ path }, {}, probe)
      const result = await runCam(buildCamModel(classifier, { targets: 1 }), images, [282])
      const bytes = headOf(fromBinary(ModelProtoSchema, await readFile(path)), layer, [channels, 7, 7], 'logits')
      const some = [0, 1, 100, 500, channels - 1]
      const options = { target: 282, channels: some, step: 1 }
      const numeric = await numericWeights(bytes, { layer, logits: 'logits' }, result.activations, options)
      expect(
        distance(
          some.map((c) => result.weights[0]?.[c] ?? 0),
          numeric,
        ),
      ).toBeLessThan(1e-6)
    })

    it('takes several targets in one pass; -1 is the image’s own argmax', async () => {
      const classifier = await loadClassifier({ path }, {}, probe)
      const images = randomImages([3, ...image])
      const both = await runCam(buildCamModel(classifier, { targets: 2 }), images, [5, -1, 900], [1, 2, 3])
      const best = argmax(both.logits.slice(1000, 2000))
      const one = buildCamModel(classifier, { targets: 1 })
      expect(both.weights[0]).toEqual((await runCam(one, images, [5, best, 900])).weights[0])
      expect(both.weights[1]).toEqual((await runCam(one, images, [1, 2, 3])).weights[0])
    })

    it('never mixes the images of a batch', async () => {
      const model = buildCamModel(await loadClassifier({ path }, {}, probe), { targets: 1 })
      const three = randomImages([3, ...image])
      const together = await runCam(model, three, [-1, -1, -1])
      for (const i of [0, 1, 2]) {
        const data = Float32Array.from(numbers(three).slice(i * 150528, (i + 1) * 150528))
        const alone = await runCam(model, { data, dims: [1, ...image] }, [-1])
        expect(distance(together.logits.slice(i * 1000, (i + 1) * 1000), alone.logits)).toBeLessThan(1e-5)
        expect(together.weights[0]?.slice(i * channels, (i + 1) * channels)).toEqual(alone.weights[0])
      }
    })
  })
})

function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? Number.NaN))), 0)
}

function argmax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values))
}
