import { intsAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { unreshape, untranspose } from '../gradient.ts'

/** Flatten, Reshape, Squeeze, Unsqueeze: the same numbers in another shape. */
export const reshape: GradientRule = (node, upstream, context) => [
  unreshape(context.e, upstream, context.output(node).dims, context.input(node, 0).dims),
]

export const transpose: GradientRule = (node, upstream, context) => {
  const rank = context.input(node, 0).dims.length
  const perm = intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  return [untranspose(context.e, upstream, perm)]
}
