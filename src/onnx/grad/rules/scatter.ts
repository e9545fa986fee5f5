import type { NodeProto } from 'onnx-buf'
import type { Attributes } from '../../messages.ts'
import { intAttribute, stringAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { type Gradient, stretch, tensorGradient } from '../gradient.ts'
import { zeros } from './gather.ts'

/** Numbers set into `x` at places along an axis, or added to what is there. */
export const scatterElements: GradientRule = (node, upstream, context) =>
  scattered(node, upstream, context, 'GatherElements', { axis: { int: intAttribute(node, 'axis', 0) } })

/** Slices set into `x` at index tuples, or added to what is there. */
export const scatterND: GradientRule = (node, upstream, context) => scattered(node, upstream, context, 'GatherND', {})

/** What was set gets the gradient of its place; `x` gets the rest, or, where it was added to, all. */
function scattered(
  node: NodeProto,
  upstream: Gradient,
  context: GradientContext,
  gather: 'GatherElements' | 'GatherND',
  attributes: Attributes,
): readonly (Gradient | undefined)[] {
  const { e } = context
  const reduction = stringAttribute(node, 'reduction', 'none')
  if (reduction !== 'none' && reduction !== 'add')
    throw context.refuse(node, `its reduction "${reduction}" has no rule`)
  const [, indices = '', updates = ''] = node.input
  const { name: dy, factor } = stretch(e, upstream, context.output(node).dims)
  const atData = (): Gradient => {
    if (reduction === 'add') return upstream
    const cleared = e.emit(node.opType, [dy, indices, zeros(updates, context)], attributes)
    return tensorGradient(cleared, context.output(node).dims, factor)
  }
  const atUpdates = (): Gradient =>
    tensorGradient(e.emit(gather, [dy, indices], attributes), context.input(node, 2).dims, factor)
  return [context.needs(node, 0) ? atData() : undefined, undefined, context.needs(node, 2) ? atUpdates() : undefined]
}
