import { type TensorProto, TensorProto_DataType } from 'onnx-buf'
import { tensorValues } from './tensors.ts'

/** The largest finite float16. */
export const LARGEST_HALF = 65504

/** Under this a number is nearer to 0 than to the smallest float16. */
const SMALLEST_HALF = 2 ** -25

/** Why a tensor is not read as float16: it holds a number beyond 65504, or is one (an epsilon) that would become 0. */
export type Misfit = 'large' | 'small'

/** Why a float32 tensor is not read as float16; undefined where it may be, and for what lies outside the graph. */
export function misfitOf(tensor: TensorProto): Misfit | undefined {
  if (tensor.dataType !== TensorProto_DataType.FLOAT) return undefined
  const values = tensorValues(tensor) ?? []
  if (!values.every(isWithin)) return 'large'
  const [only = 0] = values
  return values.length === 1 && only !== 0 && Math.abs(only) <= SMALLEST_HALF ? 'small' : undefined
}

/** Rounding to float16 takes numbers from 65520 on to infinity; infinities and NaN stay what they are. */
export function isWithin(value: number): boolean {
  return !(Math.abs(value) > LARGEST_HALF) || !Number.isFinite(value)
}
