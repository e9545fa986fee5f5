import { sameDim } from '../../shapes.ts'
import { takenFrom } from '../axes.ts'
import type { GradientRule } from '../context.ts'
import { broadcast, fixedLength, type Gradient, settleOnWay, sumTo, tensorGradient } from '../gradient.ts'

/** The sum over the axes that were stretched. */
export const expand: GradientRule = (node, upstream, context) => [
  sumTo(context.e, upstream, context.output(node).dims, context.input(node, 0).dims),
]

/** Each number gets the sum of its copies. */
export const tile: GradientRule = (node, upstream, context) => {
  const [x, y] = [context.input(node, 0).dims, context.output(node).dims]
  const dx = x.reduce<Gradient>((gradient, dim, axis) => {
    if (sameDim(dim, y[axis] ?? 1)) return gradient
    const length = fixedLength(dim)
    const places = Array.from({ length: fixedLength(y[axis]) }, (_, i) => i % length)
    return takenFrom(context.e, gradient, axis, places, length)
  }, upstream)
  return [dx]
}

/** Where the condition holds the gradient is the first branch's, elsewhere the second's. */
export const where: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [condition, y] = [context.input(node, 0), context.output(node)]
  const dy = settleOnWay(e, upstream)
  const dims = broadcast(dy.dims, condition.dims)
  const zero = e.scalar(0)
  const branches = [
    [dy.name, zero],
    [zero, dy.name],
  ] as const
  return node.input.map((_, i) => {
    const branch = branches[i - 1]
    if (branch === undefined || !context.needs(node, i)) return undefined
    const chosen = tensorGradient(e.emit('Where', [condition.name, ...branch]), dims, dy.factor)
    return sumTo(e, chosen, y.dims, context.input(node, i).dims)
  })
}
