import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { loadClassifier, resolveLayer } from '../../src/onnx/classifier.ts'
import { int64Tensor } from '../../src/onnx/tensors.ts'
import { buildCamModel } from './cam-model.ts'
import { headOf, numericWeights, randomImages, runCam } from './heads.ts'
import {
  float,
  int,
  ints,
  type ModelSpec,
  modelBytes,
  op,
  positiveTensor,
  randomTensor,
  shapeTensor,
} from './models.ts'
import { probe } from './ort.ts'

interface HeadCase extends ModelSpec {
  readonly name: string
  /** The layer that is found without being told. */
  readonly layer: string
  /** Another layer to explain at. */
  readonly at?: string
  readonly classes?: number
  readonly batch?: 'dynamic' | 'made-dynamic' | 'fixed'
  /** Operators added for the weights, the choice of the class left out. */
  readonly added?: readonly string[]
  readonly channelAxis?: 1 | 3
  /** Step of the differences: small where a maximum may change. */
  readonly step?: number
}

const TRUNK = [op('Conv', 'x w', 'c', { pads: ints(1, 1, 1, 1) }), op('Sigmoid', 'c', 'r')]
const CONSTANTS = [
  randomTensor('w', [6, 3, 3, 3]),
  randomTensor('fc', [5, 6]),
  randomTensor('tf', [6, 5]),
  randomTensor('bias', [5]),
  randomTensor('k1', [5, 6, 1, 1]),
  randomTensor('w2', [4, 6, 3, 3]),
  randomTensor('wd', [6, 1, 3, 3]),
  randomTensor('fc4', [5, 4]),
  randomTensor('fc10', [5, 10]),
  randomTensor('big', [7, 6 * 16]),
  randomTensor('small', [5, 7]),
  positiveTensor('gamma', [6]),
  randomTensor('beta', [6]),
  shapeTensor('flat', 0, -1),
  shapeTensor('one', 1, 6),
  shapeTensor('rest', 1, -1),
  shapeTensor('tail', -1),
  shapeTensor('axis0', 0),
  int64Tensor('zero', [0], []),
]
const pooled = [op('GlobalAveragePool', 'r', 'p'), op('Flatten', 'p', 'f')]
const gemm = op('Gemm', 'f fc bias', 'z', { transB: int(1) })
const ROW = ['Gather', 'Mul']

const CASES: readonly HeadCase[] = [
  { name: 'pool, Flatten, Gemm', nodes: [...TRUNK, ...pooled, gemm], layer: 'r', added: ROW },
  {
    name: 'Gemm without transB',
    nodes: [...TRUNK, ...pooled, op('Gemm', 'f tf bias', 'z', { alpha: float(0.5) })],
    layer: 'r',
    added: ['Gather', 'Transpose', 'Mul'],
  },
  {
    name: 'ReduceMean, MatMul, Add',
    nodes: [
      ...TRUNK,
      op('ReduceMean', 'r', 'm', { axes: ints(2, 3), keepdims: int(0) }),
      op('MatMul', 'm tf', 'y'),
      op('Add', 'y bias', 'z'),
    ],
    layer: 'r',
    added: ['Gather', 'Transpose', 'Mul'],
  },
  {
    name: 'pool, 1x1 convolution, Flatten',
    nodes: [...TRUNK, op('GlobalAveragePool', 'r', 'p'), op('Conv', 'p k1 bias', 'y'), op('Flatten', 'y', 'z')],
    layer: 'r',
    added: ['Gather', 'Reshape', 'Mul'],
  },
  {
    name: 'pool, 1x1 convolution, logits with pixels',
    nodes: [...TRUNK, op('GlobalAveragePool', 'r', 'p'), op('Conv', 'p k1', 'z')],
    layer: 'r',
    added: ['Reshape', 'Gather', 'Reshape', 'Mul'],
  },
  {
    name: '1x1 convolution, then the pool, seen from before',
    nodes: [...TRUNK, op('Conv', 'r k1', 'y'), op('GlobalAveragePool', 'y', 'p'), op('Squeeze', 'p axes', 'z')],
    tensors: [shapeTensor('axes', 2, 3)],
    layer: 'y',
    at: 'r',
    added: ['Gather', 'Reshape', 'Mul'],
  },
  {
    name: 'classes pooled after an activation (SqueezeNet)',
    nodes: [
      ...TRUNK,
      op('Conv', 'r k1', 'y'),
      op('Sigmoid', 'y', 's'),
      op('GlobalAveragePool', 's', 'p'),
      op('Flatten', 'p', 'z'),
    ],
    layer: 's',
    at: 'r',
  },
  {
    name: 'classes pooled, seen at the class maps',
    nodes: [
      ...TRUNK,
      op('Conv', 'r k1', 'y'),
      op('Sigmoid', 'y', 's'),
      op('GlobalAveragePool', 's', 'p'),
      op('Flatten', 'p', 'z'),
    ],
    layer: 's',
  },
  {
    name: 'two linear layers (VGG)',
    nodes: [
      ...TRUNK,
      op('MaxPool', 'r', 'm', { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
      op('Flatten', 'm', 'f'),
      op('Gemm', 'f big', 'h', { transB: int(1) }),
      op('Sigmoid', 'h', 's'),
      op('Dropout', 's', 'd'),
      op('Gemm', 'd small bias', 'z', { transB: int(1) }),
    ],
    layer: 'm',
    added: ['Gather', 'Sub', 'Mul', 'Mul', 'Gemm', 'Reshape', 'ReduceMean', 'Reshape'],
  },
  ...[13, 17].map((opset) => ({
    name: `a max pool behind the layer, opset ${opset}`,
    opset,
    nodes: [
      ...TRUNK,
      op('MaxPool', 'r', 'm', { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) }),
      op('GlobalAveragePool', 'm', 'p'),
      op('Flatten', 'p', 'f'),
      gemm,
    ],
    layer: 'm',
    at: 'r',
    step: 2 ** -12,
  })),
  {
    name: 'average pool of the whole map',
    nodes: [...TRUNK, op('AveragePool', 'r', 'p', { kernel_shape: ints(8, 8) }), op('Reshape', 'p flat', 'f'), gemm],
    layer: 'r',
    added: ROW,
  },
  {
    name: 'average pool that leaves pixels',
    nodes: [
      ...TRUNK,
      op('AveragePool', 'r', 'm', { kernel_shape: ints(3, 3), strides: ints(2, 2) }),
      op('GlobalAveragePool', 'm', 'p'),
      op('Flatten', 'p', 'f'),
      gemm,
    ],
    layer: 'm',
    at: 'r',
  },
  {
    name: 'two branches joined by Concat',
    nodes: [
      ...TRUNK,
      op('Conv', 'r w2', 'b', { pads: ints(1, 1, 1, 1) }),
      op('Concat', 'r b', 'j', { axis: int(1) }),
      op('GlobalAveragePool', 'j', 'p'),
      op('Flatten', 'p', 'f'),
      op('Gemm', 'f fc10 bias', 'z', { transB: int(1) }),
    ],
    layer: 'j',
    at: 'r',
  },
  {
    name: 'a residual block behind the layer',
    nodes: [
      ...TRUNK,
      op('Conv', 'r wd', 'b', { group: int(6), pads: ints(1, 1, 1, 1) }),
      op('BatchNormalization', 'b gamma beta beta gamma', 'n'),
      op('Add', 'n r', 's'),
      op('GlobalAveragePool', 's', 'p'),
      op('Flatten', 'p', 'f'),
      gemm,
    ],
    layer: 's',
    at: 'r',
  },
  {
    name: 'squeeze and excite behind the layer',
    nodes: [
      ...TRUNK,
      op('GlobalAveragePool', 'r', 'q'),
      op('Sigmoid', 'q', 'g'),
      op('Mul', 'r g', 's'),
      op('GlobalAveragePool', 's', 'p'),
      op('Flatten', 'p', 'f'),
      gemm,
    ],
    layer: 's',
    at: 'r',
  },
  {
    name: 'pixels merged, then averaged',
    nodes: [
      ...TRUNK,
      op('Reshape', 'r merged', 'v'),
      op('ReduceMean', 'v', 'f', { axes: ints(2), keepdims: int(0) }),
      gemm,
    ],
    tensors: [shapeTensor('merged', 0, 6, 64)],
    layer: 'r',
    added: ROW,
  },
  {
    name: 'channels last inside',
    nodes: [
      ...TRUNK,
      op('Transpose', 'r', 't', { perm: ints(0, 2, 3, 1) }),
      op('ReduceMean', 't', 'f', { axes: ints(1, 2), keepdims: int(0) }),
      gemm,
    ],
    layer: 't',
    channelAxis: 3,
    added: ['Transpose', 'Gather', 'Mul'],
  },
  {
    name: 'a view by its own batch size',
    nodes: [
      ...TRUNK,
      op('GlobalAveragePool', 'r', 'p'),
      op('Shape', 'p', 's'),
      op('Gather', 's zero', 'n'),
      op('Unsqueeze', 'n axis0', 'n1'),
      op('Concat', 'n1 tail', 'to', { axis: int(0) }),
      op('Reshape', 'p to', 'f'),
      gemm,
    ],
    layer: 'r',
    added: ROW,
  },
  {
    name: 'a batch of one',
    input: { dims: [1, 3, 8, 8] },
    nodes: [...TRUNK, ...pooled, gemm],
    layer: 'r',
    batch: 'made-dynamic',
    added: ROW,
  },
  {
    name: 'a batch of one in a Reshape',
    input: { dims: [1, 3, 8, 8] },
    nodes: [...TRUNK, op('GlobalAveragePool', 'r', 'p'), op('Reshape', 'p one', 'f'), gemm],
    layer: 'r',
    batch: 'made-dynamic',
    added: ROW,
  },
  {
    name: 'a batch of one in a Reshape with -1',
    input: { dims: [1, 3, 8, 8] },
    nodes: [...TRUNK, op('GlobalAveragePool', 'r', 'p'), op('Reshape', 'p rest', 'f'), gemm],
    layer: 'r',
    batch: 'made-dynamic',
    added: ROW,
  },
  {
    name: 'a batch of one that stays',
    input: { dims: [1, 3, 8, 8] },
    nodes: [
      ...TRUNK,
      op('Concat', 'r extra', 'j', { axis: int(2) }),
      op('GlobalAveragePool', 'j', 'p'),
      op('Flatten', 'p', 'f'),
      gemm,
    ],
    tensors: [randomTensor('extra', [1, 6, 1, 8])],
    layer: 'j',
    batch: 'fixed',
    added: ROW,
  },
  {
    name: 'logits without a batch',
    input: { dims: [1, 3, 8, 8] },
    nodes: [
      ...TRUNK,
      op('Concat', 'r extra', 'j', { axis: int(2) }),
      op('GlobalAveragePool', 'j', 'p'),
      op('Flatten', 'p', 'f'),
      op('Gemm', 'f fc', 'y', { transB: int(1) }),
      op('Squeeze', 'y axis0', 'z'),
    ],
    tensors: [randomTensor('extra', [1, 6, 1, 8])],
    layer: 'j',
    batch: 'fixed',
  },
  { name: 'Softmax at the end', nodes: [...TRUNK, ...pooled, gemm, op('Softmax', 'z', 'out')], layer: 'r', added: ROW },
  {
    name: 'one class',
    nodes: [...TRUNK, ...pooled, op('Gemm', 'f single', 'z', { transB: int(1) })],
    tensors: [randomTensor('single', [1, 6])],
    layer: 'r',
    classes: 1,
    added: ROW,
  },
]

describe.each(CASES)('$name', (test) => {
  const bytes = modelBytes({
    opset: 13,
    input: { dims: ['n', 3, 8, 8] },
    ...test,
    tensors: [...CONSTANTS, ...(test.tensors ?? [])],
  })
  const classes = test.classes ?? 5

  it('CAM weights agree with differences of the logit, image by image', async () => {
    const classifier = await loadClassifier({ bytes }, {}, probe)
    expect(classifier.layer?.name).toBe(test.layer)
    expect(classifier.batch).toBe(test.batch ?? 'dynamic')
    expect(classifier.classes).toBe(classes)
    const layer = resolveLayer(classifier, test.at ?? test.layer)
    const model = buildCamModel(classifier, { targets: 2, layer })
    const images = classifier.batch === 'fixed' ? 1 : 3
    const targets = [classes - 1, 0, Math.min(2, classes - 1)].slice(0, images)
    const others = [-1, 0, 0].slice(0, images)
    const { logits, activations, weights } = await runCam(model, randomImages([images, 3, 8, 8]), targets, others)
    expect(logits.length).toBe(images * classes)
    expect(activations.dims).toEqual([images, layer.channels, layer.height, layer.width])
    const best = logits.slice(0, classes).indexOf(Math.max(...logits.slice(0, classes)))
    const asked = [targets, [best, 0, 0].slice(0, images)]
    for (const [t, list] of asked.entries()) {
      for (const [i, target] of list.entries()) {
        const got = weights[t]?.slice(i * layer.channels, (i + 1) * layer.channels) ?? []
        const expected = await differences(bytes, test, layer, pick(activations.data, i, activations.dims), target)
        const scale = Math.max(...expected.map(Math.abs))
        expect(scale).toBeGreaterThan(0)
        expect(Math.max(...expected.map((w, c) => Math.abs(w - (got[c] ?? Number.NaN)))) / scale).toBeLessThan(3e-3)
      }
    }
  })

  if (test.added === undefined) return
  it('adds no more nodes than needed', async () => {
    const classifier = await loadClassifier({ bytes }, {}, probe)
    const layer = resolveLayer(classifier, test.at ?? test.layer)
    const { added } = buildCamModel(classifier, { targets: 1, layer })
    const choice = ['ArgMax', 'Cast', 'Less', 'Cast', 'Add', 'Mul', 'Add']
    const types = added.map((node) => node.opType)
    const start = types.indexOf('ArgMax')
    expect(types.filter((_, i) => i < start || i >= start + choice.length)).toEqual(test.added)
  })
})

function pick(data: ArrayLike<number | bigint>, image: number, dims: readonly number[]) {
  const [, ...rest] = dims
  const count = rest.reduce((a, b) => a * b, 1)
  const values = Array.from({ length: count }, (_, i) => Number(data[image * count + i]))
  return { data: Float32Array.from(values), dims: [1, ...rest] }
}

/** Differences at the model's own layout of the layer. */
async function differences(
  bytes: Uint8Array,
  test: HeadCase,
  layer: { readonly name: string; readonly channels: number; readonly height: number; readonly width: number },
  activations: { readonly data: Float32Array; readonly dims: readonly number[] },
  target: number,
): Promise<readonly number[]> {
  const { channels, height, width } = layer
  const last = test.channelAxis === 3
  const dims = last ? [height, width, channels] : [channels, height, width]
  const pixels = height * width
  const data = last
    ? activations.data.map((_, i) => activations.data[(i % channels) * pixels + Math.floor(i / channels)] ?? 0)
    : activations.data
  const names = { layer: layer.name, logits: 'z' }
  const head = headOf(fromBinary(ModelProtoSchema, bytes), names.layer, dims, names.logits)
  return await numericWeights(
    head,
    names,
    { data, dims: [1, ...dims] },
    {
      target,
      channels: Array.from({ length: channels }, (_, c) => c),
      step: test.step ?? 2 ** -7,
      channelAxis: test.channelAxis ?? 1,
    },
  )
}
