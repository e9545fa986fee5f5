import { intAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { divide, multiply, scale } from '../gradient.ts'
import { keptOutput, reduction, unreduced } from './reduce.ts'

/** `y = sum |x|`: `dx = dy sign(x)`. */
export const reduceL1: GradientRule = (node, upstream, context) => {
  const { e } = context
  const x = context.input(node, 0)
  return [multiply(e, unreduced(node, upstream, context), e.sign(x.name), x.dims)]
}

/** `y = sqrt(sum x^2)`: `dx = dy x / y`, 0 where `y` is 0. */
export const reduceL2: GradientRule = (node, upstream, context) => {
  const { e } = context
  const x = context.input(node, 0)
  const norm = e.nonZero(keptOutput(node, context))
  const share = divide(e, unreduced(node, upstream, context), norm, reduction(node, context).kept)
  return [multiply(e, share, x.name, x.dims)]
}

/** `y = sum x^2`: `dx = 2 dy x`. */
export const reduceSumSquare: GradientRule = (node, upstream, context) => {
  const x = context.input(node, 0)
  return [scale(multiply(context.e, unreduced(node, upstream, context), x.name, x.dims), 2)]
}

/** `y = (sum |x|^p)^(1/p)` over a channel: `dx = dy sign(x) (|x| / y)^(p - 1)`, 0 where `y` is 0. */
export const globalLpPool: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, y] = [context.input(node, 0), context.output(node)]
  const share = e.emit('Div', [e.emit('Abs', [x.name]), e.nonZero(y.name)])
  const power = e.emit('Pow', [share, e.scalar(intAttribute(node, 'p', 2) - 1)])
  return [multiply(e, upstream, e.emit('Mul', [e.sign(x.name), power]), x.dims)]
}
