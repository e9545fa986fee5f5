import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { type Gradient, product, scale, unreshape } from '../gradient.ts'

/** The axes that a reduction takes, as attribute or as input, from 0 up. */
export function reducedAxes(node: NodeProto, context: GradientContext): readonly number[] {
  const rank = context.input(node, 0).dims.length
  const isInput = (node.input[1] ?? '') !== ''
  const axes = isInput ? context.constant(node, 1) : intsAttribute(node, 'axes')
  if (isInput && axes === undefined) throw context.refuse(node, 'its axes are computed')
  if (axes !== undefined && axes.length > 0) return axes.map((axis) => (axis < 0 ? axis + rank : axis))
  const isNothing = intAttribute(node, 'noop_with_empty_axes', 0) !== 0
  return isNothing ? [] : Array.from({ length: rank }, (_, i) => i)
}

/** The upstream gradient with its reduced axes back, of length 1: equal along them. */
export function unreduced(node: NodeProto, upstream: Gradient, context: GradientContext): Gradient {
  const axes = reducedAxes(node, context)
  const kept = context.input(node, 0).dims.map((dim, i) => (axes.includes(i) ? 1 : dim))
  return unreshape(context.e, upstream, context.output(node).dims, kept)
}

export const reduceSum: GradientRule = (node, upstream, context) => {
  reducedLength(node, context)
  return [unreduced(node, upstream, context)]
}

export const reduceMean: GradientRule = (node, upstream, context) => [
  scale(unreduced(node, upstream, context), 1 / reducedLength(node, context)),
]

/** How many numbers each result is made of; refuses to mix images. */
function reducedLength(node: NodeProto, context: GradientContext): number {
  const { dims } = context.input(node, 0)
  const lengths = reducedAxes(node, context).map((axis) => dims[axis] ?? 1)
  return product(
    lengths.map((length) => {
      if (typeof length !== 'number') throw context.refuse(node, 'it mixes the images of a batch')
      return length
    }),
  )
}
