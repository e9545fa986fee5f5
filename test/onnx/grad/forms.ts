import { type NodeProto, type TensorProto, TensorProto_DataType } from 'onnx-buf'
import type { Attributes } from '../../../src/onnx/messages.ts'
import type { FloatType } from '../../../src/onnx/tensors.ts'
import { ints, op, positiveTensor, randomTensor, shapeTensor } from '../models.ts'
import type { DifferenceCase } from './differences.ts'

/** The operator sets that every rule is tested in. */
export const OPSETS = [7, 9, 11, 13, 18, 21, 26] as const

export const DOUBLE: FloatType = TensorProto_DataType.DOUBLE

/** A case that is written in the form of each operator set from `since` on. */
export interface Form {
  readonly make: (opset: number) => DifferenceCase
  readonly since?: number
}

/** How differences of smooth operators are taken. */
export const smooth = { type: DOUBLE, step: 1e-4, values: (_: number, next: () => number) => next() * 2 } as const

/** The same over 0, for logarithms and roots. */
export const smoothOverZero = { ...smooth, values: (_: number, next: () => number) => next() * 0.4 + 1 } as const

export const random = (name: string, ...dims: readonly number[]): TensorProto => randomTensor(name, dims, 1, DOUBLE)

export const positive = (name: string, ...dims: readonly number[]): TensorProto => positiveTensor(name, dims, 1, DOUBLE)

/** A reduction of `x` to `y` in the form of the operator set, with the tensor it needs. */
export function reduction(
  opset: number,
  opType: string,
  axes: readonly number[],
  rest: Attributes = {},
  [x, y]: readonly [string, string] = ['x', 'y'],
): { readonly nodes: readonly NodeProto[]; readonly tensors: readonly TensorProto[] } {
  const inputSince = opType === 'ReduceSum' ? 13 : 18
  if (opset < inputSince) return { nodes: [op(opType, x, y, { axes: ints(...axes), ...rest })], tensors: [] }
  return { nodes: [op(opType, `${x} ${y}_axes`, y, rest)], tensors: [shapeTensor(`${y}_axes`, ...axes)] }
}
