import { intAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { asTensor, type Gradient, tensorGradient } from '../gradient.ts'

/** Each input gets its slice; a gradient that is equal along the axis needs no slicing. */
export const concat: GradientRule = (node, upstream, context) => {
  const { e } = context
  const rank = context.output(node).dims.length
  const given = intAttribute(node, 'axis', 1)
  const axis = given < 0 ? given + rank : given
  let start = 0
  return node.input.map((_, i): Gradient | undefined => {
    const length = context.input(node, i).dims[axis]
    if (typeof length !== 'number') throw context.refuse(node, 'it joins the images of a batch')
    const from = start
    start += length
    if (!context.needs(node, i)) return undefined
    const { name, dims, factor } = asTensor(e, upstream)
    if (dims[axis] === 1) return tensorGradient(name, dims, factor)
    const sliced = dims.map((dim, k) => (k === axis ? length : dim))
    return tensorGradient(e.slice(name, axis, from, from + length), sliced, factor)
  })
}
