import type { NodeProto } from 'onnx-buf'
import type { GradientContext, GradientRule } from '../context.ts'
import { broadcast, divide, type Gradient, multiply, scale } from '../gradient.ts'
import { each, singleValue } from './elementwise.ts'
import { slopeAtOutput } from './slope.ts'

/** `y = sqrt(x)`: `dx = dy / (2 y)`. */
export const sqrt: GradientRule = (node, upstream, context) => {
  const { name: y, dims } = context.output(node)
  return [scale(divide(context.e, upstream, y, dims), 0.5)]
}

/** `y = 1 / x`: `dx = -dy y^2`. */
export const reciprocal = slopeAtOutput((e, y) => e.emit('Neg', [e.emit('Mul', [y, y])]))

/** `y = a^b`: `da = dy b a^(b - 1)`, `db = dy y ln(a)`. */
export const pow: GradientRule = (node, upstream, context) =>
  each(node, context, (i) => (i === 0 ? atBase(node, upstream, context) : atExponent(node, upstream, context)))

function atBase(node: NodeProto, upstream: Gradient, context: GradientContext): Gradient {
  const { e } = context
  const [a, b] = [context.input(node, 0), context.input(node, 1)]
  const exponent = singleValue(node, 1, context)
  if (exponent === undefined) {
    const slope = e.emit('Mul', [e.toFloat(b.name), e.emit('Pow', [a.name, oneLess(b.name, context)])])
    return multiply(e, upstream, slope, broadcast(a.dims, b.dims))
  }
  if (exponent === 0 || exponent === 1) return scale(upstream, exponent)
  const power = exponent === 2 ? a.name : e.emit('Pow', [a.name, e.scalar(exponent - 1)])
  return scale(multiply(e, upstream, power, a.dims), exponent)
}

/** `b - 1`, but 0 where `b` is 0: there the derivative is 0 times `a^0`, never 0 times infinity. */
function oneLess(b: string, { e }: GradientContext): string {
  const exponent = e.toFloat(b)
  const counts = e.toFloat(e.emit('Not', [e.isZero(exponent)]))
  return e.emit('Mul', [e.emit('Sub', [exponent, e.scalar(1)]), counts])
}

/** 0 where the base is 0: `0^b` is 0 for every `b > 0`. */
function atExponent(node: NodeProto, upstream: Gradient, context: GradientContext): Gradient {
  const { e } = context
  const y = context.output(node)
  const logarithm = e.emit('Log', [e.nonZero(node.input[0] ?? '')])
  return multiply(e, upstream, e.emit('Mul', [y.name, logarithm]), y.dims)
}
