import { create } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { buildForwardModel } from '../../src/onnx/forward-model.ts'
import { makeValueInfo } from '../../src/onnx/messages.ts'
import { floatTensor } from '../../src/onnx/tensors.ts'
import { bothOf, inFloat16, logitsAndGradient, logitsOf, relativeError, same, WEIGHTS } from './float16.ts'
import { randomImages } from './heads.ts'
import { float, int, op, uniform } from './models.ts'

const { BOOL, DOUBLE, FLOAT, FLOAT16 } = TensorProto_DataType

describe('what is not float32', () => {
  it('stays: booleans, whole numbers, a part in float64', async () => {
    const nodes = [
      op('Conv', 'x w b', 'c', same),
      op('GlobalAveragePool', 'c', 'g'),
      op('Flatten', 'g', 'f'),
      op('Greater', 'f nought', 'positive'),
      op('Where', 'positive f nought', 'u'),
      op('Cast', 'u', 'wide', { to: int(DOUBLE) }),
      op('MatMul', 'wide double', 'v'),
      op('Cast', 'v', 'narrow', { to: int(FLOAT) }),
      op('MatMul', 'narrow fc', 'z'),
    ]
    const tensors = [
      ...WEIGHTS,
      floatTensor('nought', [0], []),
      floatTensor('double', Array.from({ length: 64 }, uniform(9)), [8, 8], DOUBLE),
    ]
    const [full, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes, tensors })
    const images = randomImages([2, 3, 9, 11])
    expect(relativeError(await logitsOf(half, images), await logitsOf(full, images))).toBeLessThan(5e-3)
  })

  it('may read float16 from inside a branch', async () => {
    const branch = (nodes: readonly NodeProto[]) =>
      create(GraphProtoSchema, { name: 'branch', node: [...nodes], output: [makeValueInfo('chosen', FLOAT)] })
    const choose = create(NodeProtoSchema, {
      opType: 'If',
      name: 'choice',
      input: ['yes'],
      output: ['branch'],
      attribute: (['then_branch', 'else_branch'] as const).map((name) =>
        create(AttributeProtoSchema, {
          name,
          type: AttributeProto_AttributeType.GRAPH,
          g: branch([op(name === 'then_branch' ? 'Relu' : 'Neg', 'f', 'chosen')]),
        }),
      ),
    })
    const yes = create(TensorProtoSchema, { name: 'yes', dataType: BOOL, dims: [], int32Data: [1] })
    const nodes = [
      op('Conv', 'x w b', 'c', same),
      op('GlobalAveragePool', 'c', 'g'),
      op('Flatten', 'g', 'f'),
      choose,
      op('Add', 'f branch', 's'),
      op('MatMul', 's fc', 'z'),
    ]
    const [full, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes, tensors: [...WEIGHTS, yes] })
    const images = randomImages([2, 3, 9, 11])
    expect(relativeError(await logitsOf(half, images), await logitsOf(full, images))).toBeLessThan(5e-3)
  })

  it('a model in float16 of its own is computed in it', async () => {
    const table = new Uint16Array(8 * 5).map((_, i) => 0x3800 + i)
    const fc = create(TensorProtoSchema, {
      name: 'fc',
      dataType: FLOAT16,
      dims: [8n, 5n],
      rawData: new Uint8Array(table.buffer),
    })
    const nodes = [
      op('Conv', 'x w b', 'c', same),
      op('Cast', 'c', 'h', { to: int(FLOAT16) }),
      op('LeakyRelu', 'h', 'u', { alpha: float(0.1) }),
      op('GlobalAveragePool', 'u', 'g'),
      op('Flatten', 'g', 'f'),
      op('MatMul', 'f fc', 'y'),
      op('Cast', 'y', 'z', { to: int(FLOAT) }),
    ]
    const tensors = [...WEIGHTS.filter(({ name }) => name !== 'fc'), fc]
    const [full, half] = await bothOf({ input: { dims: ['n', 3, 9, 11] }, nodes, tensors })
    const images = randomImages([2, 3, 9, 11])
    const [expected, got] = [await logitsAndGradient(full, images), await logitsAndGradient(half, images)]
    expect(relativeError(got.logits, expected.logits)).toBeLessThan(5e-3)
    expect(relativeError(got.gradient, expected.gradient)).toBeLessThan(2e-2)
    expect([...inFloat16(buildForwardModel(half))].sort()).toEqual([
      'Conv',
      'Flatten',
      'GlobalAveragePool',
      'LeakyRelu',
      'MatMul',
    ])
  })
})
