import type { NodeProto } from 'onnx-buf'
import { floatAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { type Gradient, multiply } from '../gradient.ts'

/** `y = x` or `alpha (exp(x) - 1)`: `dx = dy (1 or y + alpha)`. */
export const elu: GradientRule = (node, upstream, context) => {
  const alpha = floatAttribute(node, 'alpha', 1)
  return bent(node, upstream, context, { above: 1, offset: alpha, factor: 1 })
}

/** `y = x` or `alpha (exp(x / alpha) - 1)`: `dx = dy (1 or y / alpha + 1)`. */
export const celu: GradientRule = (node, upstream, context) => {
  const alpha = floatAttribute(node, 'alpha', 1)
  return bent(node, upstream, context, { above: 1, offset: alpha, factor: 1 / alpha })
}

/** `y = gamma x` or `gamma alpha (exp(x) - 1)`: `dx = dy (gamma or y + gamma alpha)`. */
export const selu: GradientRule = (node, upstream, context) => {
  const alpha = floatAttribute(node, 'alpha', 1.6732632)
  const gamma = floatAttribute(node, 'gamma', 1.050701)
  return bent(node, upstream, context, { above: gamma, offset: gamma * alpha, factor: 1 })
}

/**
 * The slope `above` where `x > 0`, and `factor (y + offset)` elsewhere, 0 included. The output has the input's sign
 * unless a coefficient is negative.
 */
function bent(
  node: NodeProto,
  upstream: Gradient,
  context: GradientContext,
  { above, offset, factor }: { readonly above: number; readonly offset: number; readonly factor: number },
): readonly Gradient[] {
  const { e } = context
  const y = context.output(node)
  const signed = above > 0 && offset >= 0 ? y : context.input(node, 0)
  const isPositive = e.emit('Greater', [signed.name, e.scalar(0)])
  const shifted = e.emit('Add', [y.name, e.scalar(offset)])
  const below = factor === 1 ? shifted : e.emit('Mul', [shifted, e.scalar(factor)])
  return [multiply(e, upstream, e.where(isPositive, e.scalar(above), below), y.dims)]
}
