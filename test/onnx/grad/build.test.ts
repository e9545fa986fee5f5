import { describe, expect, it } from 'vitest'
import { loadClassifier } from '../../../src/onnx/classifier.ts'
import { buildCamModel } from '../cam-model.ts'
import { int, modelBytes, op, randomTensor, shapeTensor } from '../models.ts'
import { probe } from '../ort.ts'

describe('a model of one image whose head is a view of all that is left', () => {
  const pooled = [op('Conv', 'x k', 't'), op('GlobalAveragePool', 't', 'p')]
  it.each([
    ['Reshape to [1, -1]', [...pooled, op('Reshape', 'p shape', 'z')], [1, -1], 'made-dynamic'],
    [
      'Reshape to [1, -1] before a Softmax',
      [...pooled, op('Reshape', 'p shape', 'z'), op('Softmax', 'z', 'q')],
      [1, -1],
      'made-dynamic',
    ],
    ['Flatten from axis 0', [...pooled, op('Flatten', 'p', 'z', { axis: int(0) })], [1, -1], 'fixed'],
  ] as const)('%s is understood', async (_, nodes, shape, batch) => {
    const tensors = [randomTensor('k', [5, 3, 1, 1]), shapeTensor('shape', ...shape)]
    const bytes = modelBytes({ nodes, tensors, input: { dims: [1, 3, 8, 8] } })
    const classifier = await loadClassifier({ bytes }, {}, probe)
    expect([classifier.classes, classifier.batch]).toEqual([5, batch])
    expect(buildCamModel(classifier, { targets: 1 }).outputs.weights).toHaveLength(1)
  })
})
