import { stringAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import type { Emitter } from '../emitter.ts'
import { multiply } from '../gradient.ts'
import { each } from './elementwise.ts'
import { slopeAtInput } from './slope.ts'

/** `dx = dy 2 / sqrt(pi) exp(-x^2)`. */
export const erf = slopeAtInput((e, x) => e.emit('Mul', [bell(e, x), e.scalar(2 / Math.sqrt(Math.PI))]))

/** By the attribute `approximate`: `none` or `tanh`. */
export const gelu = slopeAtInput((e, x, node) =>
  stringAttribute(node, 'approximate', 'none') === 'tanh' ? tanhGeluSlope(e, x) : erfGeluSlope(e, x),
)

/** ONNX Runtime's own: the same of the sum of its inputs, whose second is a bias. */
export const biasGelu = ofSum(erfGeluSlope)

/** ONNX Runtime's own: by tanh, with a bias that may be left out. */
export const fastGelu = ofSum(tanhGeluSlope)

function ofSum(slope: (e: Emitter, x: string) => string): GradientRule {
  return (node, upstream, context) => {
    const { e } = context
    const sum = node.input.filter((input) => input !== '').reduce((a, b) => e.emit('Add', [a, b]))
    const atSum = multiply(e, upstream, slope(e, sum), context.output(node).dims)
    return each(node, context, () => atSum)
  }
}

/** `y = x P`, `P = (1 + erf(x / sqrt(2))) / 2`: `P + x exp(-x^2 / 2) / sqrt(2 pi)`. */
function erfGeluSlope(e: Emitter, x: string): string {
  const scaled = e.emit('Mul', [x, e.scalar(Math.SQRT1_2)])
  const twice = e.emit('Add', [e.emit('Erf', [scaled]), e.scalar(1)])
  const density = e.emit('Mul', [bell(e, scaled), e.emit('Mul', [x, e.scalar(1 / Math.sqrt(2 * Math.PI))])])
  return e.emit('Add', [e.emit('Mul', [twice, e.scalar(0.5)]), density])
}

/** `y = x h`, `h = (1 + tanh(u)) / 2 = sigmoid(2 u)`, `u = c (x + 0.044715 x^3)`: `h + 2 x h (1 - h) du / dx`. */
function tanhGeluSlope(e: Emitter, x: string): string {
  const c = Math.sqrt(2 / Math.PI)
  const square = e.emit('Mul', [x, x])
  const polynomial = (cubic: number): string =>
    e.emit('Add', [e.emit('Mul', [square, e.scalar(2 * c * cubic)]), e.scalar(2 * c)])
  const h = e.emit('Sigmoid', [e.emit('Mul', [x, polynomial(0.044715)])])
  const bend = e.emit('Mul', [e.emit('Mul', [x, h]), e.emit('Sub', [e.scalar(1), h])])
  return e.emit('Add', [h, e.emit('Mul', [bend, polynomial(3 * 0.044715)])])
}

/** `exp(-x^2)`. */
function bell(e: Emitter, x: string): string {
  return e.emit('Exp', [e.emit('Neg', [e.emit('Mul', [x, x])])])
}
