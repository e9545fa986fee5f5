import type { GradientRule } from '../context.ts'
import { divide } from '../gradient.ts'
import { slopeAtOutput } from './slope.ts'

/** `dx = dy y`. */
export const exp = slopeAtOutput((_e, y) => y)

/** `dx = dy / x`. */
export const log: GradientRule = (node, upstream, context) => {
  const { name: x, dims } = context.input(node, 0)
  return [divide(context.e, upstream, x, dims)]
}
