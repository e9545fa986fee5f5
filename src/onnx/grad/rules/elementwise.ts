import type { NodeProto } from 'onnx-buf'
import type { GradientContext, GradientRule } from '../context.ts'
import { divide, type Gradient, multiply, scale, sumTo } from '../gradient.ts'

/** The gradient at input `index`, from that at the broadcast output. */
function atInput(node: NodeProto, index: number, gradient: Gradient, context: GradientContext): Gradient {
  return sumTo(context.e, gradient, context.output(node).dims, context.input(node, index).dims)
}

/** The rule applied to each input that is asked for, its result summed over the axes that input was stretched along. */
export function each(
  node: NodeProto,
  context: GradientContext,
  rule: (index: number) => Gradient,
): readonly (Gradient | undefined)[] {
  return node.input.map((_, i) => (context.needs(node, i) ? atInput(node, i, rule(i), context) : undefined))
}

/** The value of a constant input that is one number. */
export function singleValue(node: NodeProto, index: number, context: GradientContext): number | undefined {
  const values = context.constant(node, index)
  return values?.length === 1 ? values[0] : undefined
}

/** Add, Sum. */
export const add: GradientRule = (node, upstream, context) => each(node, context, () => upstream)

export const sub: GradientRule = (node, upstream, context) =>
  each(node, context, (i) => (i === 0 ? upstream : scale(upstream, -1)))

export const mean: GradientRule = (node, upstream, context) =>
  each(node, context, () => scale(upstream, 1 / node.input.length))

export const neg: GradientRule = (_node, upstream) => [scale(upstream, -1)]

export const mul: GradientRule = (node, upstream, context) =>
  each(node, context, (i) => {
    const value = singleValue(node, 1 - i, context)
    if (value !== undefined) return scale(upstream, value)
    const other = context.input(node, 1 - i)
    return multiply(context.e, upstream, other.name, other.dims)
  })

/** `y = a / b`: `da = dy / b`, `db = -dy y / b`. */
export const div: GradientRule = (node, upstream, context) =>
  each(node, context, (i) => {
    const { e } = context
    const value = singleValue(node, 1, context)
    if (value !== undefined) return scale(upstream, 1 / value)
    const b = context.input(node, 1)
    if (i === 0) return divide(e, upstream, b.name, b.dims)
    const y = context.output(node)
    return scale(divide(e, multiply(e, upstream, y.name, y.dims), b.name, b.dims), -1)
  })

/** `y = a - b trunc(a / b)`, as C's fmod: `da = dy`, `db = -dy trunc(a / b)`. */
export const mod: GradientRule = (node, upstream, context) =>
  each(node, context, (i) => {
    if (i === 0) return upstream
    const { e } = context
    const [a, b, y] = [context.input(node, 0), context.input(node, 1), context.output(node)]
    const quotient = e.emit('Div', [e.emit('Sub', [a.name, y.name]), b.name])
    return scale(multiply(e, upstream, quotient, y.dims), -1)
  })
