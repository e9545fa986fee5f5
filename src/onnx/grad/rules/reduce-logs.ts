import type { GradientRule } from '../context.ts'
import { multiply } from '../gradient.ts'
import { keptOutput, reduction, unreduced } from './reduce.ts'

/** `y = log(sum x)`: `dx = dy exp(-y)`. */
export const reduceLogSum: GradientRule = (node, upstream, context) => {
  const { e } = context
  const overSum = e.emit('Exp', [e.emit('Neg', [keptOutput(node, context)])])
  return [multiply(e, unreduced(node, upstream, context), overSum, reduction(node, context).kept)]
}

/** `y = log(sum exp(x))`: `dx = dy exp(x - y)`. */
export const reduceLogSumExp: GradientRule = (node, upstream, context) => {
  const { e } = context
  const x = context.input(node, 0)
  const share = e.emit('Exp', [e.emit('Sub', [x.name, keptOutput(node, context)])])
  return [multiply(e, unreduced(node, upstream, context), share, x.dims)]
}
