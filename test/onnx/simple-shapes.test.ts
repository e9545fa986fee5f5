import { create, toBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, ModelProtoSchema, type NodeProto } from 'onnx-buf'
import { expect, it } from 'vitest'
import { makeValueInfo, revise } from '../../src/onnx/messages.ts'
import { simpleShapes } from '../../src/onnx/simple-shapes.ts'
import { fromProto } from '../../src/onnx/small-tensor.ts'
import { tensorDims } from '../../src/onnx/tensors.ts'
import { buildModel, int, ints, op, randomTensor, shapeTensor, string } from './models.ts'
import { probe } from './ort.ts'

const X = [7, 4, 9, 6]

const TENSORS = [
  randomTensor('w', [8, 2, 3, 2]),
  randomTensor('bias', [4, 1, 1]),
  randomTensor('matrix', [6, 5]),
  randomTensor('wide', [3, 1, 4, 9, 6]),
  shapeTensor('merge', 0, -1, 3),
  shapeTensor('sizes', 1, 3),
  shapeTensor('starts', -3, 5),
  shapeTensor('ends', 2 ** 40, 0),
  shapeTensor('axes', 2, -1),
  shapeTensor('steps', 2, -1),
]

const CASES: readonly NodeProto[] = [
  op('Relu', 'x', 'y'),
  op('Softmax', 'x', 'y'),
  op('Add', 'x bias', 'y'),
  op('Mul', 'wide x', 'y'),
  op('Reshape', 'x merge', 'y'),
  op('Transpose', 'x', 'y', { perm: ints(2, 0, 3, 1) }),
  op('Transpose', 'x', 'y'),
  op('Concat', 'x x x', 'y', { axis: int(-3) }),
  op('Split', 'x sizes', 'y z', { axis: int(1) }),
  op('Split', 'x', 'y z', { axis: int(-1) }),
  op('Slice', 'x starts ends axes steps', 'y'),
  op('Conv', 'x w', 'y', { group: int(2), strides: ints(2, 1), dilations: ints(1, 2), pads: ints(1, 0, 0, 2) }),
  op('MaxPool', 'x', 'y', { kernel_shape: ints(3, 2), strides: ints(2, 3), pads: ints(1, 0, 1, 1) }),
  op('AveragePool', 'x', 'y', { kernel_shape: ints(2, 2) }),
  op('GlobalAveragePool', 'x', 'y'),
  op('MatMul', 'x matrix', 'y'),
]

it.each(CASES.map((node) => [node.opType, node] as const))('%s as ONNX Runtime infers it', async (_opType, node) => {
  const proto = buildModel({ nodes: [node], tensors: TENSORS, input: { dims: X } })
  const output = node.output.map((name) => makeValueInfo(name))
  const graph = revise(GraphProtoSchema, proto.graph ?? create(GraphProtoSchema), { output })
  const infos = await probe(toBinary(ModelProtoSchema, revise(ModelProtoSchema, proto, { graph })), undefined)
  const tensor = (index: number) => TENSORS.find(({ name }) => name === node.input[index])
  const shape = (index: number) => {
    const constant = tensor(index)
    return constant === undefined ? X : tensorDims(constant)
  }
  const values = (index: number) => {
    const constant = tensor(index)
    return constant && fromProto(constant)?.values
  }
  expect(simpleShapes(node, { shape, values })).toEqual(infos.map((info) => info.shape))
})

it.each([
  ['a shape that is computed', op('Reshape', 'x shape', 'y')],
  [
    'pads that follow from a rule',
    op('MaxPool', 'x', 'y', { kernel_shape: ints(2, 2), auto_pad: string('SAME_UPPER') }),
  ],
  ['an operator that is not simple', op('NonZero', 'x', 'y')],
])('nothing for %s', (_name, node) => {
  expect(simpleShapes(node, { shape: () => X, values: () => undefined })).toBeUndefined()
})
