import { TensorProto_DataType } from 'onnx-buf'
import { intAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'

const INTEGERS: ReadonlySet<number> = new Set([
  TensorProto_DataType.BOOL,
  TensorProto_DataType.INT8,
  TensorProto_DataType.INT16,
  TensorProto_DataType.INT32,
  TensorProto_DataType.INT64,
  TensorProto_DataType.UINT8,
  TensorProto_DataType.UINT16,
  TensorProto_DataType.UINT32,
  TensorProto_DataType.UINT64,
])

/**
 * The identity between equal types, and nothing through a Cast to integers: it is flat between its steps. From
 * integers the gradient goes on to what made them, which is such a Cast or a quantised operator, which refuses.
 */
export const cast: GradientRule = (node, upstream, context) => {
  if (INTEGERS.has(intAttribute(node, 'to', 0))) return []
  const [from, to] = [context.dtype(node.input[0]), context.dtype(node.output[0])]
  if (from !== to && from.startsWith('float')) {
    throw context.refuse(node, `it goes from ${from} to ${to} and gradients are taken in one type`)
  }
  return [upstream]
}
