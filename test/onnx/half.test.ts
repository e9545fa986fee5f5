import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { misfitOf } from '../../src/onnx/half.ts'
import { floatTensor, int64Tensor } from '../../src/onnx/tensors.ts'

describe('what keeps a tensor from float16', () => {
  it.each([
    ['nothing up to 65504', [65504, -65504], undefined],
    ['a number beyond', [1, -65505], 'large'],
    ['the largest float', [3.4e38], 'large'],
    ['not infinities, which it has', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], undefined],
    ['not NaN', [Number.NaN], undefined],
    ['not weights that vanish beside others', [1, 1e-9], undefined],
    ['an epsilon that vanishes', [1e-12], 'small'],
    ['not the smallest number', [2 ** -24], undefined],
    ['not 0', [0], undefined],
    ['not emptiness', [], undefined],
  ] as const)('is %s', (_, values, misfit) => {
    expect(misfitOf(floatTensor('t', values, [values.length]))).toBe(misfit)
    if (values.length === 1) expect(misfitOf(floatTensor('t', values, []))).toBe(misfit)
  })

  it('is nothing where it is of another type', () => {
    expect(misfitOf(int64Tensor('t', [1e6], [1]))).toBeUndefined()
  })

  it('is not known outside the graph', () => {
    const outside = { name: 't', dataType: TensorProto_DataType.FLOAT, dims: [2n], externalData: [{ key: 'location' }] }
    expect(misfitOf(create(TensorProtoSchema, outside))).toBeUndefined()
  })
})
