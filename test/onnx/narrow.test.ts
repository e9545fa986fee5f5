import type { TensorProto } from 'onnx-buf'
import { afterAll, describe, expect, it } from 'vitest'
import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { gradCamPlusPlus } from '../../src/methods/grad-cam-plus-plus.ts'
import { type ClassifierGraph, loadClassifier } from '../../src/onnx/classifier.ts'
import { buildForwardModel } from '../../src/onnx/forward-model.ts'
import { buildGradientModel } from '../../src/onnx/gradient-model.ts'
import { inHalf } from '../../src/onnx/half-range.ts'
import { intAttribute } from '../../src/onnx/messages.ts'
import { floatTensor } from '../../src/onnx/tensors.ts'
import { temporaryModels } from '../temporary-models.ts'
import {
  bothOf,
  inFloat16,
  logitsAndGradient,
  logitsOf,
  nodesOf,
  relativeError,
  runRounded,
  same,
  WEIGHTS,
} from './float16.ts'
import { classes, numbers, randomImages } from './heads.ts'
import { int, ints, type ModelSpec, modelBytes, op, randomTensor, shapeTensor, uniform } from './models.ts'
import { probe } from './ort.ts'

const temporary = temporaryModels()
afterAll(() => temporary.remove())

const convolutions = [
  op('Conv', 'x w b', 'c', same),
  op('BatchNormalization', 'c gamma beta beta gamma', 'n'),
  op('Conv', 'n w2', 'd', same),
  op('Sigmoid', 'd', 'gate'),
  op('Mul', 'd gate', 's'),
  op('Add', 's n', 'r'),
  op('Relu', 'r', 'u'),
  op('MaxPool', 'u', 'm', { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) }),
  op('GlobalAveragePool', 'm', 'g'),
  op('Shape', 'g', 'shape'),
  op('Gather', 'shape zero', 'images'),
  op('Concat', 'images rest', 'flat', { axis: int(0) }),
  op('Reshape', 'g flat', 'f'),
  op('MatMul', 'f fc', 'z'),
]
const powers = [floatTensor('two', [2], []), floatTensor('eps', [1e-12], [])]
/** Attention over the pixels of a convolution, LayerNormalization written out. */
const attention = [
  op('Conv', 'x w b', 'c', { strides: ints(2, 2) }),
  op('Reshape', 'c tokens', 'ct'),
  op('Transpose', 'ct', 't', { perm: ints(0, 2, 1) }),
  op('ReduceMean', 't', 'mean', { axes: ints(2) }),
  op('Sub', 't mean', 'centred'),
  op('Pow', 'centred two', 'square'),
  op('ReduceMean', 'square', 'variance', { axes: ints(2) }),
  op('Add', 'variance eps', 'safe'),
  op('Sqrt', 'safe', 'deviation'),
  op('Div', 'centred deviation', 'n'),
  op('MatMul', 'n proj', 'q'),
  op('Transpose', 'n', 'k', { perm: ints(0, 2, 1) }),
  op('MatMul', 'q k', 'scores'),
  op('Softmax', 'scores', 'p', { axis: int(2) }),
  op('MatMul', 'p n', 'v'),
  op('Add', 'v t', 'r'),
  op('ReduceMean', 'r', 'f', { axes: ints(1), keepdims: int(0) }),
  op('MatMul', 'f fc', 'z'),
]

/** Where a maximum or a rectifier flips, a few gradients move far. */
function meanError(got: readonly number[], expected: readonly number[]): number {
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + Math.abs(value), 0)
  return sum(got.map((value, i) => value - (expected[i] ?? Number.NaN))) / sum(expected)
}

describe('a classifier in float16', () => {
  it.each([9, 13, 17])('gives logits and gradients near those of float32, opset %i', async (opset) => {
    const images = randomImages([2, 3, 9, 11])
    const input = { dims: ['n', 3, 9, 11] }
    const shapes = [shapeTensor('tokens', 0, 8, -1), ...powers]
    for (const [nodes, apart] of [
      [convolutions, 3e-2],
      [attention, 2e-3],
    ] as const) {
      const [full, half] = await bothOf({ opset, input, nodes, tensors: [...WEIGHTS, ...shapes] })
      const [expected, got] = [await logitsAndGradient(full, images), await logitsAndGradient(half, images)]
      expect(got.logits).not.toEqual(expected.logits)
      expect(relativeError(got.logits, expected.logits)).toBeLessThan(5e-3)
      expect(meanError(got.gradient, expected.gradient)).toBeLessThan(apart)
    }
  })

  it('has its products in float16, and what sums or squares in float32', async () => {
    const tensors = [...WEIGHTS, shapeTensor('tokens', 0, 8, -1), ...powers]
    const [, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes: attention, tensors })
    const narrowed = inFloat16(buildForwardModel(half))
    for (const operator of ['Conv', 'MatMul', 'Transpose', 'Add']) expect(narrowed).toContain(operator)
    for (const operator of ['ReduceMean', 'Pow', 'Sqrt', 'Softmax']) expect(narrowed).not.toContain(operator)
  })

  it('casts each tensor to each type once at most', async () => {
    const [, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes: convolutions, tensors: WEIGHTS })
    const model = buildGradientModel(half, { seeds: ['class', 'class'], tensors: ['x', 'n'] })
    const casts = nodesOf(model).filter(({ opType }) => opType === 'Cast')
    const keys = casts.map((node) => `${node.input[0]} ${intAttribute(node, 'to')}`)
    expect(keys.length).toBeGreaterThan(5)
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('rounds what goes from one product to the next', async () => {
    const tensors = [
      floatTensor('pick', [1, 0, 0], [1, 3, 1, 1]),
      floatTensor('one', [1], [1, 1, 1, 1]),
      floatTensor('up', [1], [1]),
      floatTensor('down', [-2048], [1]),
      randomTensor('fc', [1, 5]),
    ]
    const nodes = [
      op('Conv', 'x pick', 'r'),
      op('Conv', 'r one up', 'c'), // 2049, which float16 does not have
      op('Conv', 'c one down', 'd'),
      op('GlobalAveragePool', 'd', 'g'),
      op('Flatten', 'g', 'f'),
      op('MatMul', 'f fc', 'z'),
    ]
    const [full, half] = await bothOf({ input: { dims: ['n', 3, 2, 2] }, nodes, tensors })
    const images = { data: new Float32Array(12).fill(2048), dims: [1, 3, 2, 2] }
    expect(await logitsOf(half, images)).toEqual([0, 0, 0, 0, 0])
    expect((await logitsOf(full, images)).every((logit) => logit !== 0)).toBe(true)
  })

  it('passes NaN on', async () => {
    const [, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes: convolutions, tensors: WEIGHTS })
    const images = randomImages([2, 3, 9, 11])
    images.data[0] = Number.NaN
    const { logits } = await logitsAndGradient(half, images)
    expect(logits.slice(0, 5).every(Number.isNaN)).toBe(true)
    expect(logits.slice(5).some(Number.isNaN)).toBe(false)
  })
})

/** Two linear layers on the mean colour: the gradient of class k is `a_c b_k` over the number of pixels. */
function linear(a: readonly number[], b: readonly number[]): ModelSpec {
  return {
    input: { dims: ['n', 3, 2, 2] },
    nodes: [op('Conv', 'x a', 'c'), op('Conv', 'c b', 'd'), op('GlobalAveragePool', 'd', 'g'), op('Flatten', 'g', 'z')],
    tensors: [floatTensor('a', a, [1, 3, 1, 1]), floatTensor('b', b, [2, 1, 1, 1])],
  }
}

describe('gradients in float16', () => {
  it('are not flushed to zero: the loss scale is taken back in float32', async () => {
    const [, half] = await bothOf(linear([2 ** -13, -(2 ** -13), 0.5], [1, 2 ** -13]))
    const { gradient } = await logitsAndGradient(half, randomImages([1, 3, 2, 2]))
    const expected = [2 ** -28, -(2 ** -28), 2 ** -16] // of which float16 itself has none but the last
    expect(gradient).toEqual(expected.flatMap((value) => new Array<number>(4).fill(value)))
  })

  it('are read by methods in float32', async () => {
    const next = uniform(3)
    const layer = [op('Conv', 'x w', 'c'), op('Relu', 'c', 'u'), op('Conv', 'u w2', 'd'), op('Relu', 'd', 'r')]
    const spec = {
      input: { dims: ['n', 3, 16, 16] },
      nodes: [...layer, op('GlobalAveragePool', 'r', 'g'), op('Flatten', 'g', 'f'), op('MatMul', 'f fc', 'z')],
      tensors: [
        ...WEIGHTS.filter(({ name }) => name !== 'fc'),
        floatTensor(
          'fc',
          Array.from({ length: 40 }, () => 1e-4 * next()), // squared, divided by the pixels twice: under 1e-12
          [8, 5],
        ),
      ],
    }
    const weightsOf = async (classifier: ClassifierGraph) => {
      const model = buildExplainModel(classifier, { method: gradCamPlusPlus, seeds: ['class'] })
      const feeds = { x: randomImages([1, 3, 16, 16]), [model.seeds[0]?.classes ?? '']: classes(1) }
      const [target] = model.targets
      if (target?.kind !== 'cam' || target.weights === undefined) throw new Error('no weights')
      return numbers((await runRounded(model, feeds))[target.weights])
    }
    const [full, half] = await bothOf(spec)
    const [expected, got] = [await weightsOf(full), await weightsOf(half)]
    expect(Math.max(...expected)).toBeGreaterThan(0)
    expect(relativeError(got, expected)).toBeLessThan(1e-2)
  })
})

describe('numbers that float16 does not hold', () => {
  const withWeights = (tensor: TensorProto): ModelSpec => ({
    input: { dims: ['n', 3, 9, 11] },
    nodes: convolutions,
    tensors: [tensor, ...WEIGHTS.filter(({ name }) => name !== tensor.name)],
  })

  it.each(['inline', 'outside the graph'])('are refused by name where they are weights, %s', async (where) => {
    const [size, dims] = where === 'inline' ? [8 * 27, [8, 3, 3, 3]] : [8 * 8 * 9, [8, 8, 3, 3]]
    const name = where === 'inline' ? 'w' : 'w2'
    const weights = floatTensor(
      name,
      Array.from({ length: size }, (_, i) => (i === size - 1 ? -65505 : 1e-9)),
      dims,
    )
    const path = temporary.write(name, modelBytes(withWeights(weights)))
    const full = await loadClassifier({ path }, {}, probe)
    expect(full.graph.initializers.get(name)?.externalData.length).toBe(where === 'inline' ? 0 : 3)
    const half = await inHalf(full)
    expect(() => buildForwardModel(full)).not.toThrow()
    expect(() => buildForwardModel(half)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringMatching(new RegExp(`\\(Conv\\): "${name}" holds numbers beyond 65504`)),
      }),
    )
  })

  it.each([
    [11, false],
    [12, true],
  ])(
    'keep Clip in float32 before operator set 12, as CUDA has it in float16 from there on (%i)',
    async (opset, isHalf) => {
      const tensors = [...WEIGHTS, floatTensor('low', [0], []), floatTensor('high', [6], [])]
      const nodes = [
        op('Conv', 'x w b', 'c', same),
        op('Clip', 'c low high', 'u'),
        op('GlobalAveragePool', 'u', 'g'),
        op('Flatten', 'g', 'f'),
        op('MatMul', 'f fc', 'z'),
      ]
      const [, half] = await bothOf({ opset, input: { dims: ['n', 3, 9, 11] }, nodes, tensors })
      expect(inFloat16(buildForwardModel(half)).has('Clip')).toBe(isHalf)
    },
  )

  it('keep in float32 what is bounded or masked by them, and an epsilon what it is added to', async () => {
    const tensors = [
      ...WEIGHTS,
      floatTensor('low', [0], []),
      floatTensor('high', [3.4e38], []),
      floatTensor('mask', [0, 0, 0, 0, -1e9], [5]),
      floatTensor('tiny', [1e-12], []),
    ]
    const nodes = [
      op('Conv', 'x w b', 'c', same),
      op('Clip', 'c low high', 'u'),
      op('GlobalAveragePool', 'u', 'g'),
      op('Flatten', 'g', 'f'),
      op('Sub', 'f f', 'nothing'),
      op('Add', 'nothing tiny', 'e'),
      op('Div', 'nothing e', 'q'), // 0, not 0 / 0
      op('Add', 'f q', 's'),
      op('MatMul', 's fc', 'y'),
      op('Add', 'y mask', 'z'),
    ]
    const [full, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes, tensors })
    const images = randomImages([2, 3, 9, 11])
    const [expected, got] = [await logitsOf(full, images), await logitsOf(half, images)]
    const unmasked = (logits: readonly number[]) => logits.filter((_, i) => i % 5 !== 4)
    expect(relativeError(unmasked(got), unmasked(expected))).toBeLessThan(5e-3)
    expect(inFloat16(buildForwardModel(half))).not.toContain('Clip')
  })
})
