import { TensorProto_DataType } from 'onnx-buf'
import { expect, it } from 'vitest'
import { foldIntegers } from '../../src/onnx/fold.ts'
import { readGraph } from '../../src/onnx/graph.ts'
import { int64Tensor } from '../../src/onnx/tensors.ts'
import { buildModel, int, ints, op, shapeTensor } from './models.ts'

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
    name: 'nothing where a number is unknown',
    nodes: [op('Shape', 'r', 's'), op('Gather', 's two', 'y')],
    value: undefined,
  },
]

it.each(CASES)('$name', ({ nodes, value, opset }) => {
  const proto = buildModel({ opset: opset ?? 15, nodes: [op('Relu', 'x', 'r'), ...nodes], tensors: TENSORS })
  const graph = readGraph({ name: 'test', proto, externalFolder: undefined })
  expect(foldIntegers(graph, (name) => (name === 'x' ? [7, 3, 8, 10] : undefined)).get('y')).toEqual(value)
})
