import { describe, expect, it } from 'vitest'
import { loadClassifier, resolveLayer } from '../../../src/onnx/classifier.ts'
import { buildCamModel } from '../../../src/onnx/explain-model.ts'
import { int, modelBytes, op, randomTensor, shapeTensor } from '../models.ts'
import { probe } from '../ort.ts'

const head = [op('GlobalAveragePool', 's', 'p'), op('Flatten', 'p', 'f'), op('Gemm', 'f w', 'z', { transB: int(1) })]

describe('a node with several outputs on the way to the logits', () => {
  it.each([
    ['its second output', 'b', 'Add', 'a-free'],
    ['both of its outputs', 'a b', 'Add', 'both'],
  ])('is refused when %s leads there, never skipped', async (_, used) => {
    const [first = '', second = first] = used.split(' ')
    const nodes = [
      op('Conv', 'x k', 't'),
      op('Split', 't parts', 'a b', { axis: int(1) }),
      op('Concat', `${first} ${second} t`, 's', { axis: int(1) }),
      ...head,
    ]
    const tensors = [randomTensor('k', [4, 3, 1, 1]), randomTensor('w', [5, 8]), shapeTensor('parts', 2, 2)]
    const classifier = await loadClassifier({ bytes: modelBytes({ nodes, tensors }) }, {}, probe)
    const layer = resolveLayer(classifier, 't')
    expect(() => buildCamModel(classifier, { targets: 1, layer })).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('Split') }),
    )
  })
})

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
