import type { NodeProto } from 'onnx-buf'
import { floatAttribute, stringAttribute } from '../../../../src/onnx/messages.ts'
import { broadcastAt, broadcastDims, build, type Doubles, map } from './arrays.ts'

type Number1 = (x: number, node: NodeProto) => number
type NumberN = (...values: readonly number[]) => number

const alpha = (node: NodeProto, fallback: number): number => floatAttribute(node, 'alpha', fallback)
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high)

/** Taylor's series up to 3, the continued fraction of erfc beyond: both to double precision. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a > 6) return Math.sign(x)
  let value = 0
  if (a < 3) {
    let term = a
    for (let n = 0; Math.abs(term) > 1e-18; n++) {
      value += term / (2 * n + 1)
      term *= -(a * a) / (n + 1)
    }
    value *= 2 / Math.sqrt(Math.PI)
  } else {
    let fraction = 0
    for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction)
    value = 1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction)
  }
  return Math.sign(x) * value
}

function gelu(x: number, node: NodeProto): number {
  if (stringAttribute(node, 'approximate', 'none') === 'none') return 0.5 * x * (1 + erf(x / Math.SQRT2))
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
}

const UNARY: Readonly<Record<string, Number1>> = {
  Abs: Math.abs,
  Celu: (x, node) => Math.max(0, x) + Math.min(0, alpha(node, 1) * Math.expm1(x / alpha(node, 1))),
  Elu: (x, node) => (x < 0 ? alpha(node, 1) * Math.expm1(x) : x),
  Erf: erf,
  Exp: Math.exp,
  Gelu: gelu,
  HardSigmoid: (x, node) => clamp(alpha(node, 0.2) * x + floatAttribute(node, 'beta', 0.5), 0, 1),
  HardSwish: (x) => x * clamp(x / 6 + 0.5, 0, 1),
  LeakyRelu: (x, node) => (x < 0 ? alpha(node, 0.01) * x : x),
  Log: Math.log,
  Mish: (x) => x * Math.tanh(softplus(x)),
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(x, 0),
  Selu: (x, node) =>
    floatAttribute(node, 'gamma', 1.05070102214813) *
    (x > 0 ? x : floatAttribute(node, 'alpha', 1.67326319217681) * Math.expm1(x)),
  Sigmoid: sigmoid,
  Softplus: softplus,
  Softsign: (x) => x / (1 + Math.abs(x)),
  Sqrt: Math.sqrt,
  Tanh: Math.tanh,
  ThresholdedRelu: (x, node) => (x > alpha(node, 1) ? x : 0),
}

const BROADCAST: Readonly<Record<string, NumberN>> = {
  Add: (a = 0, b = 0) => a + b,
  Div: (a = 0, b = 0) => a / b,
  Greater: (a = 0, b = 0) => (a > b ? 1 : 0),
  Less: (a = 0, b = 0) => (a < b ? 1 : 0),
  Max: Math.max,
  Mean: (...values) => values.reduce((a, b) => a + b, 0) / values.length,
  Min: Math.min,
  Mul: (a = 0, b = 0) => a * b,
  Pow: (a = 0, b = 0) => a ** b,
  PRelu: (x = 0, slope = 0) => (x < 0 ? slope * x : x),
  Sub: (a = 0, b = 0) => a - b,
  Sum: (...values) => values.reduce((a, b) => a + b, 0),
  Where: (condition = 0, a = 0, b = 0) => (condition !== 0 ? a : b),
}

/** Operators that work entry by entry; undefined for others. */
export function pointwise(node: NodeProto, inputs: readonly Doubles[]): Doubles | undefined {
  const [x] = inputs
  if (x === undefined) return undefined
  if (['Identity', 'Dropout', 'Cast'].includes(node.opType)) return x
  if (node.opType === 'Clip') {
    const low = inputs[1]?.data[0] ?? floatAttribute(node, 'min', Number.NEGATIVE_INFINITY)
    const high = inputs[2]?.data[0] ?? floatAttribute(node, 'max', Number.POSITIVE_INFINITY)
    return map(x, (value) => clamp(value, low, high))
  }
  const one = UNARY[node.opType]
  if (one !== undefined) return map(x, (value) => one(value, node))
  const several = BROADCAST[node.opType]
  if (several === undefined) return undefined
  return build(broadcastDims(...inputs.map(({ dims }) => dims)), (index) =>
    several(...inputs.map((input) => broadcastAt(input, index))),
  )
}
