import { floatAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { multiply } from '../gradient.ts'
import { each } from './elementwise.ts'
import { slopeAtInput } from './slope.ts'

/** 1 where `x > 0`, `alpha` elsewhere, 0 included. The output has the input's sign unless `alpha` is negative. */
export const leakyRelu: GradientRule = (node, upstream, context) => {
  const { e } = context
  const alpha = floatAttribute(node, 'alpha', 0.01)
  const { name, dims } = alpha >= 0 ? context.output(node) : context.input(node, 0)
  const isPositive = e.emit('Greater', [name, e.scalar(0)])
  return [multiply(e, upstream, e.where(isPositive, e.scalar(1), e.scalar(alpha)), dims)]
}

/** `y = x` where `x > 0`, `s x` elsewhere, `s` broadcast: `dx = dy (1 or s)`, `ds = dy min(x, 0)`. */
export const pRelu: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, slope] = [context.input(node, 0), node.input[1] ?? '']
  const isPositive = e.emit('Greater', [x.name, e.scalar(0)])
  return each(node, context, (i) => {
    const atX = (): string => e.where(isPositive, e.scalar(1), slope)
    const atSlope = (): string => e.emit('Sub', [x.name, e.emit('Relu', [x.name])])
    return multiply(e, upstream, i === 0 ? atX() : atSlope(), x.dims)
  })
}

/** Passes where `x > alpha`. */
export const thresholdedRelu = slopeAtInput((e, x, node) => {
  const alpha = floatAttribute(node, 'alpha', 1)
  return e.toFloat(e.emit('Greater', [x, e.scalar(alpha)]))
})

/** Passes where `|x| > lambd`. */
export const shrink = slopeAtInput((e, x, node) => {
  const lambd = floatAttribute(node, 'lambd', 0.5)
  return e.toFloat(e.emit('Greater', [e.emit('Abs', [x]), e.scalar(lambd)]))
})
