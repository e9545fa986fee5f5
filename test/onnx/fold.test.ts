import { create, toBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { foldConstants } from '../../src/onnx/fold.ts'
import { readGraph } from '../../src/onnx/graph.ts'
import { makeValueInfo, revise } from '../../src/onnx/messages.ts'
import { floatTensor, int64Tensor } from '../../src/onnx/tensors.ts'
import { buildModel, int, ints, op, shapeTensor } from './models.ts'
import { run } from './ort.ts'

const TENSORS = [
  int64Tensor('zero', [0], []),
  int64Tensor('two', [2], []),
  shapeTensor('axis', 0),
  shapeTensor('last', -1),
  shapeTensor('pair', 2, 3),
  shapeTensor('end', 4),
]

const CASES: readonly {
  readonly name: string
  readonly nodes: ReturnType<typeof op>[]
  readonly value: unknown
  readonly opset?: number
}[] = [
  { name: 'Shape', nodes: [op('Shape', 'x', 'y')], value: { values: [7, 3, 8, 10], dims: [4] } },
  {
    name: 'Shape of a range',
    nodes: [op('Shape', 'x', 'y', { start: int(1), end: int(-1) })],
    value: { values: [3, 8], dims: [2] },
  },
  {
    name: 'Gather by a scalar',
    nodes: [op('Shape', 'x', 's'), op('Gather', 's two', 'y')],
    value: { values: [8], dims: [] },
  },
  {
    name: 'Gather by a list',
    nodes: [op('Shape', 'x', 's'), op('Gather', 's pair', 'y')],
    value: { values: [8, 10], dims: [2] },
  },
  {
    name: 'Gather from the end',
    nodes: [op('Shape', 'x', 's'), op('Gather', 's last', 'y')],
    value: { values: [10], dims: [1] },
  },
  {
    name: 'Slice with inputs',
    nodes: [op('Shape', 'x', 's'), op('Slice', 's axis axis', 'y')],
    value: { values: [], dims: [0] },
  },
  {
    name: 'Slice with attributes',
    opset: 9,
    nodes: [op('Shape', 'x', 's'), op('Slice', 's', 'y', { starts: ints(-2), ends: ints(4) })],
    value: { values: [8, 10], dims: [2] },
  },
  {
    name: 'Squeeze, Mul, Unsqueeze',
    nodes: [
      op('Shape', 'x', 's'),
      op('Gather', 's last', 'l'),
      op('Squeeze', 'l', 'q'),
      op('Mul', 'q two', 'm'),
      op('Unsqueeze', 'm axis', 'y'),
    ],
    value: { values: [20], dims: [1] },
  },
  {
    name: 'Div cuts off, Sub, Add',
    nodes: [op('Shape', 'x', 's'), op('Div', 's two', 'd'), op('Sub', 'd two', 'm'), op('Add', 'm s', 'y')],
    value: { values: [8, 2, 10, 13], dims: [4] },
  },
  {
    name: 'Cast, Identity, Concat',
    nodes: [
      op('Shape', 'x', 's'),
      op('Cast', 's', 'c', { to: int(TensorProto_DataType.INT64) }),
      op('Identity', 'c', 'i'),
      op('Concat', 'i last', 'y', { axis: int(0) }),
    ],
    value: { values: [7, 3, 8, 10, -1], dims: [5] },
  },
  {
    name: 'the shape behind a Reshape to folded numbers',
    nodes: [
      op('Shape', 'r', 's'),
      op('Div', 's two', 'half'),
      op('Concat', 'half last', 'target', { axis: int(0) }),
      op('Reshape', 'r target', 'view'),
      op('Sigmoid', 'view', 'behind'),
      op('Shape', 'behind', 'y'),
    ],
    value: { values: [3, 1, 4, 5, 28], dims: [5] },
  },
  {
    name: 'nothing where a number is unknown',
    nodes: [op('NonZero', 'r', 'places'), op('Shape', 'places', 's'), op('Gather', 's two', 'y')],
    value: undefined,
  },
]

function folded(nodes: ReturnType<typeof op>[], opset = 15) {
  const proto = buildModel({ opset, nodes: [op('Relu', 'x', 'r'), ...nodes], tensors: TENSORS })
  const graph = readGraph({ name: 'test', proto, externalFolder: undefined })
  return foldConstants(graph, (name) => (name === 'x' ? [7, 3, 8, 10] : undefined)).get('y')
}

it.each(CASES)('$name', ({ nodes, value, opset }) => {
  expect(folded(nodes, opset)).toEqual(value && { type: TensorProto_DataType.INT64, ...value })
})

/** What exporters write, each a small program on constants alone that ONNX Runtime runs too. */
const PROGRAMS: Readonly<Record<string, { readonly nodes: ReturnType<typeof op>[]; readonly opset?: number }>> = {
  'the pads of PyTorch: reversed pairs': {
    nodes: [
      op('ConstantOfShape', 'one', 'rest', { value: { tensor: int64Tensor('', [0], [1]) } }),
      op('Concat', 'end pair rest', 'all', { axis: int(0) }),
      op('Reshape', 'all pairs', 'rows'),
      op('Slice', 'rows last least axis last', 'back'),
      op('Transpose', 'back', 'columns', { perm: ints(1, 0) }),
      op('Reshape', 'columns last', 'y'),
    ],
  },
  "the shape of PyTorch's expand: -1 kept where Equal says so": {
    nodes: [
      op('Mul', 'ones last', 'minus'),
      op('Equal', 'pair minus', 'isMinus'),
      op('Where', 'isMinus ones pair', 'y'),
    ],
  },
  'a size scaled as floats': {
    nodes: [
      op('Cast', 'pair', 'f', { to: int(TensorProto_DataType.FLOAT) }),
      op('Mul', 'f third', 'm'),
      op('Floor', 'm', 'fl'),
      op('Cast', 'fl', 'y', { to: int(TensorProto_DataType.INT64) }),
    ],
  },
  'a quotient of floats': {
    nodes: [op('Cast', 'pair', 'f', { to: int(TensorProto_DataType.FLOAT) }), op('Div', 'third f', 'y')],
  },
  'Ceil, Round and a Cast that cuts off': {
    nodes: [
      op('Ceil', 'halves', 'c'),
      op('Round', 'halves', 'r'),
      op('Cast', 'halves', 't', { to: int(TensorProto_DataType.INT32) }),
      op('Cast', 't', 'tf', { to: int(TensorProto_DataType.FLOAT) }),
      op('Concat', 'c r tf', 'f', { axis: int(0) }),
      op('Cast', 'f', 'y', { to: int(TensorProto_DataType.INT64) }),
    ],
  },
  'Range, Mod and Div of negative numbers': {
    nodes: [
      op('Range', 'minusFive two two', 'r'),
      op('Mod', 'r three', 'm'),
      op('Mod', 'r three', 'c', { fmod: int(1) }),
      op('Div', 'r three', 'd'),
      op('Concat', 'm c d', 'y', { axis: int(0) }),
    ],
  },
  'Min, Max, Abs and Neg': {
    nodes: [
      op('Max', 'pair end', 'a'),
      op('Min', 'pair end last', 'b'),
      op('Neg', 'a', 'n'),
      op('Abs', 'b', 'p'),
      op('Concat', 'a b n p', 'y', { axis: int(0) }),
    ],
  },
  'ReduceProd over all': { nodes: [op('ReduceProd', 'table', 'y', { keepdims: int(0) })] },
  'ReduceMax over an axis': { nodes: [op('ReduceMax', 'table', 'y', { axes: ints(-1) })] },
  'ReduceMin over the first axis': { nodes: [op('ReduceMin', 'table', 'y', { axes: ints(0), keepdims: int(0) })] },
  'ReduceSum with axes as input': { nodes: [op('ReduceSum', 'table last', 'y', { keepdims: int(0) })] },
  'Expand, Tile and a two-dimensional Gather': {
    nodes: [
      op('Expand', 'pair pairShape', 'e'),
      op('Tile', 'e twice', 't'),
      op('Gather', 't pick', 'y', { axis: int(1) }),
    ],
  },
  'Slice with a step over several axes': { nodes: [op('Slice', 'table zeros far bothAxes steps', 'y')] },
  'Squeeze and Unsqueeze with axes': {
    nodes: [op('Unsqueeze', 'table spread', 'u'), op('Squeeze', 'u last', 's'), op('Identity', 's', 'y')],
  },
  'Less, Greater, And, Or, Not': {
    nodes: [
      op('Less', 'table two', 'l'),
      op('GreaterOrEqual', 'table zero', 'g'),
      op('And', 'l g', 'a'),
      op('Not', 'a', 'n'),
      op('Greater', 'table four', 'h'),
      op('LessOrEqual', 'table minusFive', 'k'),
      op('Or', 'h k', 'o'),
      op('Or', 'n o', 'b'),
      op('Where', 'b table zero', 'y'),
    ],
  },
  'Pow, Sqrt and Sub in float': {
    nodes: [op('Pow', 'halves halves', 'p'), op('Sqrt', 'p', 'q'), op('Sub', 'q third', 'y')],
  },
}

const PROGRAM_TENSORS = [
  ...TENSORS,
  shapeTensor('one', 2),
  shapeTensor('ones', 1, 1),
  shapeTensor('pairs', -1, 1),
  shapeTensor('least', Number.MIN_SAFE_INTEGER),
  shapeTensor('pairShape', 3, 1),
  shapeTensor('twice', 1, 2),
  shapeTensor('zeros', 0, -1),
  shapeTensor('far', 100, -100),
  shapeTensor('bothAxes', 0, 1),
  shapeTensor('steps', 2, -2),
  shapeTensor('spread', 0, -1),
  int64Tensor('pick', [0, -1, 2, 1], [2, 2]),
  int64Tensor('table', [5, -2, 3, 0, 1, 4, -7, 2, 6], [3, 3]),
  int64Tensor('minusFive', [-5], []),
  int64Tensor('three', [3], []),
  int64Tensor('four', [4], []),
  floatTensor('third', [1 / 3], [1]),
  floatTensor('halves', [0.5, 1.5, 2.5, 2.75], [4]),
]

describe('agrees with ONNX Runtime', () => {
  it.each(Object.entries(PROGRAMS))('%s', async (_name, { nodes, opset = 15 }) => {
    const spec = { opset, nodes: [...nodes, op('Relu', 'x', 'unused')], tensors: PROGRAM_TENSORS }
    const proto = buildModel({ ...spec, outputs: ['y', 'unused'] })
    const graph = readGraph({ name: 'test', proto, externalFolder: undefined })
    const value = foldConstants(graph, () => undefined).get('y')
    const isInt = value?.type === TensorProto_DataType.INT64
    const outputs = [makeValueInfo('y', isInt ? TensorProto_DataType.INT64 : TensorProto_DataType.FLOAT)]
    const checked = revise(GraphProtoSchema, proto.graph ?? create(GraphProtoSchema), {
      input: [],
      node: nodes,
      output: outputs,
    })
    const out = await run(
      { bytes: toBinary(ModelProtoSchema, revise(ModelProtoSchema, proto, { graph: checked })) },
      {},
    )
    const { data = [], dims = [] } = out.y ?? {}
    expect({ values: value?.values, dims: value?.dims }).toEqual({ values: Array.from(data, Number), dims: [...dims] })
  })
})
