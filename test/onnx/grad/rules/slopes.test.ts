import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { float, op, string } from '../../models.ts'
import { run } from '../../ort.ts'
import { gradientModel } from '../differences.ts'
import { OPSETS } from '../forms.ts'

/** A pointwise operator as a function in double precision; its slope is that function's central difference. */
interface Pointwise {
  readonly opType: string
  readonly f: (x: number) => number
  readonly attributes?: Attributes
  readonly since?: number
  readonly until?: number
  /** Where the slope is checked. */
  readonly at?: readonly number[]
  /** `[x, slope]` where a difference says nothing: kinks, and numbers far out. */
  readonly fixed?: readonly (readonly [number, number])[]
}

const EVERYWHERE = [-20, -4, -1.5, -0.7, -0.3, -1e-3, 1e-3, 0.3, 0.7, 1.5, 4, 20]
const WITH_ZERO = [...EVERYWHERE, 0]
const POSITIVE = [1e-3, 0.3, 0.7, 1, 1.5, 4, 20]
const WITHIN_ONE = [-0.9, -0.3, 0, 0.3, 0.9]

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const tanhGelu = (x: number): number => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

/** `2 / sqrt(pi) exp(-x^2) sum 2^n x^(2n + 1) / (2n + 1)!!`, all terms of one sign. */
function erf(x: number): number {
  let [term, sum] = [x, 0]
  for (let n = 1; Math.abs(x) < 6 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    sum += term
    term *= (2 * x * x) / (2 * n + 1)
  }
  return Math.abs(x) < 6 ? (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum : Math.sign(x)
}

const erfGelu = (x: number): number => (x / 2) * (1 + erf(x * Math.SQRT1_2))
const bent =
  (above: number, below: (x: number) => number) =>
  (x: number): number =>
    x > 0 ? above * x : below(x)

const CASES: readonly Pointwise[] = [
  {
    opType: 'Abs',
    f: Math.abs,
    fixed: [
      [0, 0],
      [-1e30, -1],
      [1e30, 1],
    ],
  },
  { opType: 'Exp', f: Math.exp, at: [-20, -1, 0, 1, 4], fixed: [[-1e4, 0]] },
  { opType: 'Log', f: Math.log, at: POSITIVE, fixed: [[1e30, 1e-30]] },
  { opType: 'Sqrt', f: Math.sqrt, at: POSITIVE, fixed: [[1e30, 0.5e-15]] },
  { opType: 'Reciprocal', f: (x) => 1 / x, at: [...POSITIVE, -0.3, -4], fixed: [[1e30, 0]] },
  { opType: 'Sin', f: Math.sin, at: WITH_ZERO },
  { opType: 'Cos', f: Math.cos, at: WITH_ZERO },
  { opType: 'Tan', f: Math.tan, at: [-1.4, -0.3, 0, 0.3, 1.4] },
  { opType: 'Asin', f: Math.asin, at: WITHIN_ONE },
  { opType: 'Acos', f: Math.acos, at: WITHIN_ONE },
  { opType: 'Atan', f: Math.atan, at: WITH_ZERO, fixed: [[1e30, 0]] },
  { opType: 'Sinh', f: Math.sinh, since: 9, at: [-4, -0.3, 0, 0.3, 4] },
  { opType: 'Cosh', f: Math.cosh, since: 9, at: [-4, -0.3, 0, 0.3, 4] },
  { opType: 'Asinh', f: Math.asinh, since: 9, at: WITH_ZERO, fixed: [[1e30, 0]] },
  { opType: 'Acosh', f: Math.acosh, since: 9, at: [1.1, 1.5, 4, 20], fixed: [[1e30, 0]] },
  { opType: 'Atanh', f: Math.atanh, since: 9, at: WITHIN_ONE },
  {
    opType: 'LeakyRelu',
    f: bent(1, (x) => 0.01 * x),
    fixed: [
      [0, 0.01],
      [-1e30, 0.01],
    ],
  },
  { opType: 'LeakyRelu', attributes: { alpha: float(-0.5) }, f: bent(1, (x) => -0.5 * x), fixed: [[0, -0.5]] },
  { opType: 'LeakyRelu', attributes: { alpha: float(0) }, f: bent(1, () => 0), fixed: [[0, 0]] },
  {
    opType: 'Elu',
    f: bent(1, Math.expm1),
    fixed: [
      [0, 1],
      [-1e4, 0],
      [1e30, 1],
    ],
  },
  { opType: 'Elu', attributes: { alpha: float(0.25) }, f: bent(1, (x) => Math.expm1(x) / 4), fixed: [[0, 0.25]] },
  { opType: 'Elu', attributes: { alpha: float(-2) }, f: bent(1, (x) => -2 * Math.expm1(x)), fixed: [[0, -2]] },
  {
    opType: 'Celu',
    since: 12,
    attributes: { alpha: float(0.5) },
    f: bent(1, (x) => Math.expm1(2 * x) / 2),
    at: WITH_ZERO,
    fixed: [[-1e4, 0]],
  },
  {
    opType: 'Selu',
    f: bent(1.050701, (x) => 1.050701 * 1.6732632 * Math.expm1(x)),
    fixed: [
      [0, 1.758099],
      [-1e4, 0],
    ],
  },
  {
    opType: 'Selu',
    attributes: { alpha: float(2), gamma: float(0.5) },
    f: bent(0.5, Math.expm1),
    fixed: [[0, 1]],
  },
  {
    opType: 'ThresholdedRelu',
    since: 10,
    f: (x) => (x > 1 ? x : 0),
    fixed: [
      [1, 0],
      [0, 0],
    ],
  },
  {
    opType: 'ThresholdedRelu',
    since: 10,
    attributes: { alpha: float(-1) },
    f: (x) => (x > -1 ? x : 0),
    fixed: [
      [-1, 0],
      [0, 1],
    ],
  },
  {
    opType: 'Shrink',
    since: 9,
    attributes: { lambd: float(0.5), bias: float(0.25) },
    f: (x) => (Math.abs(x) > 0.5 ? x - Math.sign(x) / 4 : 0),
    fixed: [
      [0.5, 0],
      [-0.5, 0],
    ],
  },
  {
    opType: 'Softplus',
    f: softplus,
    at: WITH_ZERO,
    fixed: [
      [-1e4, 0],
      [1e4, 1],
    ],
  },
  { opType: 'Softsign', f: (x) => x / (1 + Math.abs(x)), at: WITH_ZERO, fixed: [[-1e30, 0]] },
  {
    opType: 'Mish',
    since: 18,
    f: (x) => x * Math.tanh(softplus(x)),
    at: WITH_ZERO,
    fixed: [
      [-1e4, 0],
      [1e4, 1],
    ],
  },
  {
    opType: 'Swish',
    since: 24,
    until: 24, // ONNX Runtime 1.30 has it there alone

    attributes: { alpha: float(1) },
    f: (x) => x * sigmoid(x),
    at: WITH_ZERO,
    fixed: [
      [-1e4, 0],
      [1e4, 1],
    ],
  },
  {
    opType: 'Swish',
    since: 24,
    until: 24, // ONNX Runtime 1.30 has it there alone
    attributes: { alpha: float(1.5) },
    f: (x) => x * sigmoid(1.5 * x),
    at: WITH_ZERO,
  },
  {
    opType: 'Erf',
    since: 9,
    f: erf,
    at: WITH_ZERO,
    fixed: [
      [-1e4, 0],
      [1e30, 0],
    ],
  },
  {
    opType: 'Gelu',
    since: 20,
    f: erfGelu,
    at: WITH_ZERO,
    fixed: [
      [-1e4, 0],
      [1e4, 1],
    ],
  },
  {
    opType: 'Gelu',
    since: 20,
    attributes: { approximate: string('tanh') },
    f: tanhGelu,
    at: WITH_ZERO,
    fixed: [
      [-1e4, 0],
      [1e4, 1],
    ],
  },
]

function difference(f: (x: number) => number, x: number): number {
  const step = 1e-6 * (Math.abs(x) || 1)
  return (f(x + step) - f(x - step)) / (2 * step)
}

describe.each([...OPSETS, 24])('opset %i', (opset) => {
  const known = CASES.filter(({ since = 7, until = 26 }) => opset >= since && opset <= until)
  const named = known.map((test) => ({ ...test, label: `${test.opType} ${JSON.stringify(test.attributes ?? {})}` }))

  it.each(named)('the slope of $label', async ({ opType, f, attributes, at = EVERYWHERE, fixed = [] }) => {
    const x = [...at, ...fixed.map(([place]) => place)]
    const model = await gradientModel({ opset, x: [x.length], nodes: [op(opType, 'x', 'y', attributes)] })
    const out = await run(model, {
      x: { data: Float32Array.from(x), dims: [1, x.length] },
      seed: { data: new Float32Array(x.length).fill(1), dims: [1, x.length] },
    })
    const expected = [...at.map((place) => difference(f, place)), ...fixed.map(([, slope]) => slope)]
    const wrong = expected.flatMap((slope, i) => {
      const got = Number(out[model.dx]?.data[i])
      const isClose = Math.abs(got - slope) <= 4e-6 * Math.max(1, Math.abs(slope))
      return isClose ? [] : [{ x: x[i], slope, got }]
    })
    expect(wrong).toEqual([])
    const y = at.map((_, i) => Number(out[model.y]?.data[i]))
    at.forEach((place, i) => {
      expect(Math.abs((y[i] ?? Number.NaN) - f(place))).toBeLessThan(1e-5 * Math.max(1, Math.abs(f(place))))
    })
  })
})
