import { intAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { stretch, tensorGradient } from '../gradient.ts'

/** Each number is in all sums behind it: the sum from the other end. */
export const cumSum: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { dims } = context.input(node, 0)
  const [axis] = context.constant(node, 1) ?? []
  if (axis === undefined) throw context.refuse(node, 'its axis is computed')
  if (typeof dims.at(axis) !== 'number') throw context.refuse(node, 'it mixes the images of a batch')
  const { name: dy, factor } = stretch(e, upstream, dims)
  const name = e.emit('CumSum', [dy, node.input[1] ?? ''], {
    exclusive: { int: intAttribute(node, 'exclusive', 0) },
    reverse: { int: intAttribute(node, 'reverse', 0) === 0 ? 1 : 0 },
  })
  return [tensorGradient(name, dims, factor)]
}

/** The gradient of the half that was kept. */
export const trilu: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { dims } = context.input(node, 0)
  const { name: dy, factor } = stretch(e, upstream, dims)
  const inputs = [dy, ...node.input.slice(1)]
  return [tensorGradient(e.emit('Trilu', inputs, { upper: { int: intAttribute(node, 'upper', 1) } }), dims, factor)]
}
