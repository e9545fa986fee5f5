import { type TensorProto, TensorProto_DataType } from 'onnx-buf'
import { tensorDims, tensorValues } from './tensors.ts'

/** The largest finite float16. */
export const LARGEST_HALF = 65504

/** Under this a number is nearer to 0 than to the smallest float16. */
const SMALLEST_HALF = 2 ** -25

/**
 * Whether a float32 tensor may be read as float16: no finite number of it is beyond 65504, and a single number other
 * than 0 (an epsilon) does not become 0. Only of what is inline; undefined for the rest.
 */
export function fitsHalf(tensor: TensorProto): boolean | undefined {
  if (tensor.dataType !== TensorProto_DataType.FLOAT) return true
  const values = tensorValues(tensor)
  if (values === undefined) return undefined
  const [only] = tensorDims(tensor).length === 0 || values.length === 1 ? values : []
  const vanishes = only !== undefined && only !== 0 && Math.abs(only) <= SMALLEST_HALF
  return !vanishes && values.every(isWithin)
}

/** Rounding to float16 takes numbers from 65520 on to infinity; infinities and NaN stay what they are. */
export function isWithin(value: number): boolean {
  return !(Math.abs(value) > LARGEST_HALF) || !Number.isFinite(value)
}
