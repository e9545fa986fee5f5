import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { fitsHalf } from '../../src/onnx/half.ts'
import { floatTensor, int64Tensor } from '../../src/onnx/tensors.ts'

describe('a tensor fits float16', () => {
  it.each([
    ['up to 65504', [65504, -65504], true],
    ['not beyond', [1, -65505], false],
    ['not at the largest float', [3.4e38], false],
    ['with infinities, which it has', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], true],
    ['with NaN', [Number.NaN], true],
    ['with weights that vanish beside others', [1, 1e-9], true],
    ['not as an epsilon that vanishes', [1e-12], false],
    ['as the smallest number', [2 ** -24], true],
    ['as 0', [0], true],
    ['empty', [], true],
  ] as const)('%s', (_, values, fits) => {
    expect(fitsHalf(floatTensor('t', values, [values.length]))).toBe(fits)
  })

  it('as a scalar by the same rules', () => {
    expect(fitsHalf(floatTensor('t', [1e-12], []))).toBe(false)
  })

  it('whatever its numbers are where it is of another type', () => {
    expect(fitsHalf(int64Tensor('t', [1e6], [1]))).toBe(true)
  })

  it('as far as is known, outside the graph', () => {
    const outside = { name: 't', dataType: TensorProto_DataType.FLOAT, dims: [2n], externalData: [{ key: 'location' }] }
    expect(fitsHalf(create(TensorProtoSchema, outside))).toBeUndefined()
  })
})
