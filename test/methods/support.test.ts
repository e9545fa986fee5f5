import { describe, expect, it, vi } from 'vitest'
import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { gradCam } from '../../src/methods/grad-cam.ts'
import { methods } from '../../src/methods/index.ts'
import { readsLayer } from '../../src/methods/method.ts'
import { methodSupport } from '../../src/methods/support.ts'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { ImageGraph } from '../../src/onnx/image-graph.ts'
import { int, type ModelSpec, modelBytes, op, randomTensor } from '../onnx/models.ts'
import { probe } from '../onnx/ort.ts'

const spec: ModelSpec = {
  nodes: [
    op('Conv', 'x k', 'c'),
    op('Relu', 'c', 'a'),
    op('GlobalAveragePool', 'a', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ],
  tensors: [randomTensor('k', [6, 3, 3, 3]), randomTensor('w', [5, 6])],
}
const bytes = modelBytes(spec)

describe('which methods a model supports', () => {
  it('is told without its weights being read', async () => {
    const classifier = await loadClassifier({ bytes }, {}, probe)
    for (const tensor of classifier.graph.initializers.values()) {
      Object.defineProperty(tensor, 'rawData', {
        enumerable: true,
        get: () => {
          throw new Error(`the weights "${tensor.name}" are read`)
        },
      })
    }
    expect(() => buildExplainModel(classifier, { method: gradCam, seeds: ['class'] }).encode()).toThrow(/are read/)
    expect(methodSupport(classifier)).toEqual(methods.map(({ name }) => ({ name, supported: true })))
  })

  it('follows from what each method says of the layer: it is read or not as it says', async () => {
    const classifier = await loadClassifier({ bytes }, {}, probe)
    const ofImage = vi.spyOn(ImageGraph.prototype, 'layer')
    for (const method of methods) {
      ofImage.mockClear()
      const { targets } = buildExplainModel(classifier, { method, seeds: ['class'] })
      const isRead = targets[0]?.kind === 'cam' || ofImage.mock.calls.length > 0
      expect([method.name, isRead]).toEqual([method.name, readsLayer(method)])
    }
    ofImage.mockRestore()
  })

  it('is told with the tensor behind which all is flat', async () => {
    const nodes = spec.nodes.flatMap((node) =>
      node.opType === 'GlobalAveragePool' ? [op('Round', 'a', 'r'), op('GlobalAveragePool', 'r', 'p')] : [node],
    )
    const classifier = await loadClassifier({ bytes: modelBytes({ ...spec, nodes }) }, { layer: 'a' }, probe)
    const reasons = methodSupport(classifier).map((method) => [method.name, method.supported ? '' : method.reason])
    expect(Object.fromEntries(reasons)).toMatchObject({
      'grad-cam': expect.stringContaining('has no gradient at "a"'),
      gradient: expect.stringContaining('has no gradient at "x"'),
      'eigen-cam': '',
    })
  })
})
