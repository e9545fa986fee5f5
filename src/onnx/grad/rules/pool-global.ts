import type { GradientRule } from '../context.ts'
import { divide, fixedLength, multiply, product, scale } from '../gradient.ts'

/** Every pixel of a channel gets an equal share: nothing is computed, the gradient stays one number per channel. */
export const globalAveragePool: GradientRule = (node, upstream, context) => {
  const { dims } = context.input(node, 0)
  return [scale(upstream, 1 / product(dims.slice(2).map(fixedLength)))]
}

/** The maxima of a channel share the gradient evenly. */
export const globalMaxPool: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, y] = [context.input(node, 0), context.output(node)]
  const isMaximum = e.toFloat(e.emit('Not', [e.emit('Less', [x.name, y.name])]))
  const spatial = x.dims.slice(2).map((_, i) => i + 2)
  const share = divide(e, upstream, e.reduceSum(isMaximum, spatial), y.dims)
  return [multiply(e, share, isMaximum, x.dims)]
}
