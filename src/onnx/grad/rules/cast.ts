import { type NodeProto, TensorProto_DataType } from 'onnx-buf'
import { intAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { type Gradient, zeroGradient } from '../gradient.ts'

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
  return betweenFloats(node, upstream, context)
}

/** The same, to the type of the second input, which has no part in the numbers. */
export const castLike: GradientRule = (node, upstream, context) => {
  const to = context.dtype(node.output[0])
  if (to === 'other') throw context.refuse(node, 'the type that it goes to is not known')
  if (!to.startsWith('float')) return []
  const zero = context.needs(node, 1) ? [zeroGradient(context.e, context.input(node, 1).dims.length)] : []
  return [...betweenFloats(node, upstream, context), ...zero]
}

function betweenFloats(node: NodeProto, upstream: Gradient, context: GradientContext): readonly Gradient[] {
  const [from, to] = [context.dtype(node.input[0]), context.dtype(node.output[0])]
  if (from !== to && from.startsWith('float')) {
    throw context.refuse(node, `it goes from ${from} to ${to} and gradients are taken in one type`)
  }
  return [upstream]
}
