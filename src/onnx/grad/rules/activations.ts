import type { NodeProto } from 'onnx-buf'
import { floatAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { type Gradient, multiply, scale, settleOnWay, tensorGradient } from '../gradient.ts'

/**
 * `upstream` where `mask` (bool, the output's shape) holds. Masks are taken from the output: the input would be kept
 * alive for it, and the fusion of the activation with the convolution before it lost.
 */
function masked(node: NodeProto, upstream: Gradient, mask: string, context: GradientContext): Gradient {
  return multiply(context.e, upstream, context.e.toFloat(mask), context.output(node).dims)
}

/** What a rectifier lets through: all of it, or, guided, only what is positive. */
function guided(upstream: Gradient, { e, passing }: GradientContext): Gradient {
  if (passing === 'plain') return upstream
  const { name, dims, factor } = settleOnWay(e, upstream)
  return tensorGradient(e.emit('Relu', [name]), dims, factor)
}

/** Passes where the output is over 0; the derivative at 0 is 0. */
export const relu: GradientRule = (node, upstream, context) => {
  const { e } = context
  const active = e.emit('Greater', [context.output(node).name, e.scalar(0)])
  return [masked(node, guided(upstream, context), active, context)]
}

/** Passes strictly between the bounds. They are attributes before operator set 11, inputs (each optional) from it on. */
export const clip: GradientRule = (node, upstream, context) => {
  const { e } = context
  const y = context.output(node).name
  const bound = (index: number, attribute: string): string | undefined => {
    if (e.opset >= 11) return node.input[index] || undefined
    const value = floatAttribute(node, attribute)
    return value === undefined ? undefined : e.scalar(value)
  }
  const [min, max] = [bound(1, 'min'), bound(2, 'max')]
  const above = min === undefined ? undefined : e.emit('Greater', [y, min])
  const below = max === undefined ? undefined : e.emit('Less', [y, max])
  const inside = above !== undefined && below !== undefined ? e.emit('And', [above, below]) : (above ?? below)
  if (inside === undefined) return [upstream]
  return [masked(node, startsAtZero(node, context) ? guided(upstream, context) : upstream, inside, context)]
}

/** Whether a Clip is a rectifier: its lower bound is 0. */
function startsAtZero(node: NodeProto, context: GradientContext): boolean {
  return context.e.opset >= 11 ? context.constant(node, 1)?.[0] === 0 : floatAttribute(node, 'min') === 0
}

/** `y = 1 / (1 + exp(-x))`: `dx = dy y (1 - y)`. */
export const sigmoid: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { name: y, dims } = context.output(node)
  const slope = e.emit('Mul', [y, e.emit('Sub', [e.scalar(1), y])])
  return [multiply(e, upstream, slope, dims)]
}

/** `dx = dy (1 - y^2)`. */
export const tanh: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { name: y, dims } = context.output(node)
  return [multiply(e, upstream, e.emit('Sub', [e.scalar(1), e.emit('Mul', [y, y])]), dims)]
}

/** `y = clip(alpha x + beta, 0, 1)`: `alpha` strictly between the bounds. */
export const hardSigmoid: GradientRule = (node, upstream, context) => {
  const inside = between(context, context.output(node).name)
  return [scale(masked(node, upstream, inside, context), floatAttribute(node, 'alpha', 0.2))]
}

/** `y = x h`, `h = clip(x / 6 + 1/2, 0, 1)`: `dx = dy (h + x / 6 [0 < h < 1])`. */
export const hardSwish: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { name: x, dims } = context.input(node, 0)
  const h = e.emit('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })
  const ramp = e.emit('Mul', [e.emit('Mul', [x, e.scalar(1 / 6)]), e.toFloat(between(context, h))])
  return [multiply(e, upstream, e.emit('Add', [h, ramp]), dims)]
}

/** Strictly between 0 and 1. */
function between({ e }: GradientContext, y: string): string {
  return e.emit('And', [e.emit('Greater', [y, e.scalar(0)]), e.emit('Less', [y, e.scalar(1)])])
}
