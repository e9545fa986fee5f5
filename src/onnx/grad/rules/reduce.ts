import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, type Gradient, multiply, product, scale, unreshape } from '../gradient.ts'

interface Reduction {
  /** The axes that are reduced, from 0 up. */
  readonly axes: readonly number[]
  /** The input's shape with length 1 along them. */
  readonly kept: Dims
  /** How many numbers each result is made of. */
  readonly count: number
}

/** What a reduction node does; throws `BatchAxisError` where it mixes images. */
export function reduction(node: NodeProto, context: GradientContext): Reduction {
  const { dims } = context.input(node, 0)
  const axes = reducedAxes(node, dims.length, context)
  const kept = dims.map((dim, i) => (axes.includes(i) ? 1 : dim))
  return { axes, kept, count: product(axes.map((axis) => fixedLength(dims[axis]))) }
}

/** The axes themselves; throws `BatchAxisError` where the batch is among them, for then images are mixed. */
export function withinImage(dims: Dims, axes: readonly number[]): readonly number[] {
  for (const axis of axes) fixedLength(dims[axis])
  return axes
}

/** As attribute or as input. */
function reducedAxes(node: NodeProto, rank: number, context: GradientContext): readonly number[] {
  const isInput = (node.input[1] ?? '') !== ''
  const axes = isInput ? context.constant(node, 1) : intsAttribute(node, 'axes')
  if (isInput && axes === undefined) throw context.refuse(node, 'its axes are computed')
  if (axes !== undefined && axes.length > 0) return axes.map((axis) => (axis < 0 ? axis + rank : axis))
  const isNothing = intAttribute(node, 'noop_with_empty_axes', 0) !== 0
  return isNothing ? [] : Array.from({ length: rank }, (_, i) => i)
}

/** The upstream gradient with its reduced axes back, of length 1: equal along them. */
export function unreduced(node: NodeProto, upstream: Gradient, context: GradientContext): Gradient {
  return unreshape(context.e, upstream, context.output(node).dims, reduction(node, context).kept)
}

/** The node's output with its reduced axes back, of length 1. */
export function keptOutput(node: NodeProto, context: GradientContext): string {
  const y = context.output(node)
  return context.e.reshape(y.name, y.dims, reduction(node, context).kept)
}

export const reduceSum: GradientRule = (node, upstream, context) => [unreduced(node, upstream, context)]

export const reduceMean: GradientRule = (node, upstream, context) => [
  scale(unreduced(node, upstream, context), 1 / reduction(node, context).count),
]

/**
 * `y = prod x`: `dx` is `dy` times the product of the others. That is the product of all with 1 in the place of
 * zeros, divided by the number itself, and 0 where there is a zero among the others.
 */
export const reduceProd: GradientRule = (node, upstream, context) => {
  const { e } = context
  const x = context.input(node, 0)
  const { axes, kept } = reduction(node, context)
  const isZero = e.toFloat(e.isZero(x.name))
  const divisor = e.nonZero(x.name)
  const others = e.emit('Div', [e.reduce('ReduceProd', divisor, axes), divisor])
  const zerosAmongOthers = e.emit('Sub', [e.reduceSum(isZero, axes), isZero])
  const counts = e.toFloat(e.emit('Less', [zerosAmongOthers, e.scalar(0.5)]))
  const shared = unreshape(e, upstream, context.output(node).dims, kept)
  return [multiply(e, shared, e.emit('Mul', [others, counts]), x.dims)]
}
