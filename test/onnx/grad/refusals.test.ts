import { create } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
} from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { whyNoRule } from '../../../src/onnx/grad/refusals.ts'
import { readGraph } from '../../../src/onnx/graph.ts'
import { makeValueInfo, revise } from '../../../src/onnx/messages.ts'
import { floatTensor } from '../../../src/onnx/tensors.ts'
import { buildModel, int, int8Tensor, op, randomTensor, shapeTensor } from '../models.ts'
import { gradientError, gradientModel } from './differences.ts'

const to = (type: TensorProto_DataType) => ({ to: int(type) })

/** An If whose branches take `x` from around them. */
function choice(): NodeProto {
  const attribute = Object.entries({ then_branch: 'Relu', else_branch: 'Neg' }).map(([name, opType]) => {
    const g = create(GraphProtoSchema, {
      name: opType,
      node: [op(opType, 'x', `${opType}_y`)],
      output: [makeValueInfo(`${opType}_y`, TensorProto_DataType.FLOAT)],
    })
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g })
  })
  return create(NodeProtoSchema, { opType: 'If', name: 'choice', input: ['c'], output: ['y'], attribute })
}

const graphOf = (name: string, nodes: readonly NodeProto[], inputs: readonly string[], outputs: readonly string[]) => {
  const info = (tensor: string) => {
    const { BOOL, FLOAT, INT64 } = TensorProto_DataType
    return makeValueInfo(tensor, tensor === 'i' ? INT64 : /^go/.test(tensor) ? BOOL : FLOAT)
  }
  const g = create(GraphProtoSchema, { name, node: [...nodes], input: inputs.map(info), output: outputs.map(info) })
  return create(AttributeProtoSchema, { name: 'body', type: AttributeProto_AttributeType.GRAPH, g })
}

/** Twice the negative of what it is given. */
const loop = create(NodeProtoSchema, {
  opType: 'Loop',
  name: 'twice',
  input: ['trips', '', 'x'],
  output: ['y'],
  attribute: [graphOf('again', [op('Identity', 'go', 'goOn'), op('Neg', 'v', 'w')], ['i', 'go', 'v'], ['goOn', 'w'])],
})

/** The sums of rows up to each. */
const scan = create(NodeProtoSchema, {
  opType: 'Scan',
  name: 'sums',
  input: ['start', 'x'],
  output: ['last', 'y'],
  attribute: [
    graphOf('row', [op('Add', 'sum v', 'w'), op('Identity', 'w', 'z')], ['sum', 'v'], ['w', 'z']),
    create(AttributeProtoSchema, { name: 'num_scan_inputs', type: AttributeProto_AttributeType.INT, i: 1n }),
  ],
})

const REFUSED: Readonly<Record<string, { readonly nodes: readonly NodeProto[]; readonly message: RegExp }>> = {
  'If, by what its branches read': {
    nodes: [op('Cast', 'one', 'c', to(TensorProto_DataType.BOOL)), choice()],
    message: /node "choice" \(If\).*subgraph.*--layer.*branches and loops resolved/,
  },
  Loop: { nodes: [loop], message: /node "twice" \(Loop\).*subgraph.*branches and loops resolved/ },
  Scan: {
    nodes: [scan, op('Identity', 'y', 'out')],
    message: /node "sums" \(Scan\).*subgraph.*branches and loops resolved/,
  },
  TopK: { nodes: [op('TopK', 'x k', 'y i')], message: /\(TopK\).*selects by comparing.*--layer/ },
  'fake quantisation of activations': {
    nodes: [op('QuantizeLinear', 'x one', 'q'), op('DequantizeLinear', 'q one', 'y')],
    message: /\(DequantizeLinear\).*quantised.*before quantisation/,
  },
  'dynamic quantisation: matrices of integers between floats': {
    nodes: [
      op('DynamicQuantizeLinear', 'x', 'q s z'),
      op('MatMulInteger', 'q bytes', 'i'),
      op('Cast', 'i', 'y', to(TensorProto_DataType.FLOAT)),
    ],
    message: /\(MatMulInteger\).*quantised/,
  },
  'another float type on the way': {
    nodes: [
      op('Cast', 'x', 'd', to(TensorProto_DataType.DOUBLE)),
      op('Cast', 'd', 'y', to(TensorProto_DataType.FLOAT)),
    ],
    message: /\(Cast\).*from float64 to float32/,
  },
  'an operator without a rule': { nodes: [op('Hardmax', 'x', 'y')], message: /\(Hardmax\).*no gradient rule/ },
  'an input that a rule takes for constant': {
    nodes: [op('Neg', 'x', 'n'), op('ReduceMax', 'n', 'least', { keepdims: int(0) }), op('Clip', 'x least', 'y')],
    message: /\(Clip\).*"least" is computed from the image/,
  },
}

describe('what gradients do not pass is refused by node, operator, reason and remedy', () => {
  it.each(Object.entries(REFUSED))('%s', async (_name, { nodes, message }) => {
    const tensors = [
      ...[floatTensor('one', [1], []), floatTensor('start', [0, 0, 0], [3])],
      ...[shapeTensor('k', 2), shapeTensor('trips', 2), int8Tensor('bytes', [3, 2])],
    ]
    await expect(gradientModel({ opset: 17, x: [3], nodes, tensors })).rejects.toThrow(message)
  })

  it('as SessErrors of the contract', async () => {
    const refusal = gradientModel({ x: [3], nodes: [op('Hardmax', 'x', 'y')] })
    await expect(refusal).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })

  it.each([
    ['own', /function of the model itself/, /onnx.inliner/],
    ['com.microsoft', /domain "com.microsoft"/, /operators of ONNX alone/],
  ])('an operator of the domain "%s"', (domain, why, advice) => {
    const proto = buildModel({ nodes: [op('Relu', 'x', 'y')] })
    const functions = [create(FunctionProtoSchema, { name: 'Gate', domain: 'own' })]
    const graph = readGraph({
      name: 'test',
      proto: revise(ModelProtoSchema, proto, { functions }),
      externalFolder: undefined,
    })
    const refusal = whyNoRule(graph, create(NodeProtoSchema, { opType: 'Gate', domain }))
    expect(refusal.why).toMatch(why)
    expect(refusal.advice).toMatch(advice)
  })
})

describe('numbers cut off to integers pass nothing, and what stands beside them all', () => {
  it.each(['INT64', 'INT32', 'UINT8'] as const)('%s', async (type) => {
    const nodes = [
      op('Cast', 'x', 'i', to(TensorProto_DataType[type])),
      op('Cast', 'i', 'whole', to(TensorProto_DataType.FLOAT)),
      op('Mul', 'whole w', 'm'),
      op('Mul', 'x m', 'y'),
    ]
    const test = { x: [4], nodes, tensors: [randomTensor('w', [4])], step: 2 ** -8 }
    expect(await gradientError({ ...test, values: (i) => 3.5 + i })).toBeLessThan(1e-4)
  })
})

it('weights that are kept as integers are constants', async () => {
  const nodes = [op('DequantizeLinear', 'bytes scale', 'w'), op('MatMul', 'x w', 'y')]
  const tensors = [int8Tensor('bytes', [3, 2]), floatTensor('scale', [0.1], [])]
  expect(await gradientError({ x: [3], nodes, tensors, step: 1 })).toBeLessThan(1e-4)
})
