import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { expect, it } from 'vitest'
import { floatTensor } from '../../../../src/onnx/tensors.ts'
import { op } from '../../models.ts'
import { gradientError, gradientModel } from '../differences.ts'

const { DOUBLE, INT32 } = TensorProto_DataType
const tensors = [
  floatTensor('one', [1], []),
  create(TensorProtoSchema, { name: 'two', dataType: INT32, dims: [1n], int32Data: [2] }),
  create(TensorProtoSchema, { name: 'double', dataType: DOUBLE, dims: [], doubleData: [1] }),
]

it.each([15, 17, 19, 21])('CastLike passes what stays float, and nothing through integers, opset %i', async (opset) => {
  const nodes = [
    op('CastLike', 'x one', 'f'),
    op('CastLike', 'x two', 'i'),
    op('CastLike', 'i x', 'whole'),
    op('Mul', 'f whole', 'y'),
  ]
  const test = { opset, x: [4], nodes, tensors, step: 2 ** -8, values: (i: number) => 3.5 + i }
  expect(await gradientError(test)).toBeLessThan(1e-4)
})

it('CastLike to another float type is refused', async () => {
  const nodes = [op('CastLike', 'x double', 'd'), op('CastLike', 'd one', 'y')]
  const refusal = gradientModel({ opset: 17, x: [3], nodes, tensors })
  await expect(refusal).rejects.toThrow(/\(CastLike\).*: it goes from float64 to float32/)
})
