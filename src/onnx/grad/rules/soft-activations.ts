import { floatAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { multiply } from '../gradient.ts'
import { slopeAtInput } from './slope.ts'

/** `y = log(1 + exp(x))`: `dx = dy sigmoid(x)`. */
export const softplus = slopeAtInput((e, x) => e.emit('Sigmoid', [x]))

/** `y = x / (1 + |x|)`: `dx = dy / (1 + |x|)^2`. */
export const softsign = slopeAtInput((e, x) => {
  const share = e.emit('Reciprocal', [e.emit('Add', [e.scalar(1), e.emit('Abs', [x])])])
  return e.emit('Mul', [share, share])
})

/** `y = x t`, `t = tanh(softplus(x))`: `dx = dy (t + x (1 - t^2) sigmoid(x))`. */
export const mish = slopeAtInput((e, x) => {
  const t = e.emit('Tanh', [e.emit('Softplus', [x])])
  const bend = e.emit('Mul', [e.emit('Sub', [e.scalar(1), e.emit('Mul', [t, t])]), e.emit('Sigmoid', [x])])
  return e.emit('Add', [t, e.emit('Mul', [x, bend])])
})

/** `y = x s`, `s = sigmoid(alpha x)`: `dx = dy (s + alpha y (1 - s))`. */
function sigmoidGate(usualAlpha: number): GradientRule {
  return (node, upstream, context) => {
    const { e } = context
    const [x, y] = [context.input(node, 0), context.output(node)]
    const alpha = floatAttribute(node, 'alpha', usualAlpha)
    const times = (tensor: string): string => (alpha === 1 ? tensor : e.emit('Mul', [tensor, e.scalar(alpha)]))
    const s = e.emit('Sigmoid', [times(x.name)])
    const bend = e.emit('Mul', [times(y.name), e.emit('Sub', [e.scalar(1), s])])
    return [multiply(e, upstream, e.emit('Add', [s, bend]), y.dims)]
  }
}

export const swish = sigmoidGate(1)

/** ONNX Runtime's own. */
export const quickGelu = sigmoidGate(1.702)
