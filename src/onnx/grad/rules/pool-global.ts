import type { GradientRule } from '../context.ts'
import { fixedLength, product, scale } from '../gradient.ts'

/** Every pixel of a channel gets an equal share: nothing is computed, the gradient stays one number per channel. */
export const globalAveragePool: GradientRule = (node, upstream, context) => {
  const { dims } = context.input(node, 0)
  return [scale(upstream, 1 / product(dims.slice(2).map(fixedLength)))]
}
