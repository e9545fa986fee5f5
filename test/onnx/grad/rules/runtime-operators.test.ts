import type { NodeProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { floatTensor, tensorValues } from '../../../../src/onnx/tensors.ts'
import { float, int, ints, op, randomTensor, string } from '../../models.ts'
import { gradientAt, gradientError, gradientModel } from '../differences.ts'

const floats = (...values: readonly number[]) => ({ floats: values })

const domains = ['com.microsoft']
const single = { domains, step: 1e-4, values: (_: number, next: () => number) => next() * 2 } as const

/** A node of ONNX Runtime's own domain: `com.microsoft.Gelu`. */
function runtime(operator: string, inputs: string, outputs: string, attributes: Attributes = {}): NodeProto {
  return { ...op(operator.replace('com.microsoft.', ''), inputs, outputs, attributes), domain: 'com.microsoft' }
}

/** Abramowitz and Stegun's series of erf, to the last bits for |x| < 4. */
function erf(x: number): number {
  let [sum, term] = [x, x]
  for (let k = 1; k < 80; k++) {
    term *= (-x * x) / k
    sum += term / (2 * k + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const byErf = (x: number): number => (x * (1 + erf(x / Math.SQRT2))) / 2
const byTanh = (x: number): number => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2
const bias = randomTensor('b', [5])
const biased = (f: (x: number) => number) => (x: readonly number[]) =>
  x.map((value, i) => f(value + ((tensorValues(bias) ?? [])[i % 5] ?? 0)))

describe.each([11, 13, 17, 21])('opset %i', (opset) => {
  it.each<[string, NodeProto, (x: readonly number[]) => readonly number[]]>([
    ['Gelu', runtime('com.microsoft.Gelu', 'x', 'y'), (x) => x.map(byErf)],
    ['BiasGelu', runtime('com.microsoft.BiasGelu', 'x b', 'y'), biased(byErf)],
    ['FastGelu', runtime('com.microsoft.FastGelu', 'x', 'y'), (x) => x.map(byTanh)],
    ['FastGelu with a bias', runtime('com.microsoft.FastGelu', 'x b', 'y'), biased(byTanh)],
    ['QuickGelu', runtime('com.microsoft.QuickGelu', 'x', 'y'), (x) => x.map((v) => v / (1 + Math.exp(-1.702 * v)))],
    [
      'QuickGelu of another slope',
      runtime('com.microsoft.QuickGelu', 'x', 'y', { alpha: float(0.5) }),
      (x) => x.map((v) => v / (1 + Math.exp(-0.5 * v))),
    ],
  ])('%s', async (_, node, forward) => {
    const test = { opset, x: [3, 5], nodes: [node], tensors: [bias], forward }
    expect(await gradientError({ ...test, ...single })).toBeLessThan(1e-5)
  })

  const [scale, shift, skip] = [randomTensor('g', [5]), randomTensor('h', [5]), randomTensor('k', [3, 5], 4)]
  const values = (tensor: Parameters<typeof tensorValues>[0]) => tensorValues(tensor) ?? []

  /** `n(x + skip + bias) scale + beta`, or the sum itself, of rows of 5. */
  function normalised(x: readonly number[], kind: 'mean' | 'rms' | 'sum', parts: { beta: boolean; bias: boolean }) {
    const sums = x.map(
      (value, i) => value + (values(skip)[i % 15] ?? 0) + (parts.bias ? (values(bias)[i % 5] ?? 0) : 0),
    )
    if (kind === 'sum') return sums
    return sums.map((value, i) => {
      const row = sums.slice(i - (i % 5), i - (i % 5) + 5)
      const mean = kind === 'mean' ? row.reduce((a, b) => a + b) / 5 : 0
      const square = row.reduce((total, v) => total + (v - mean) ** 2, 0) / 5
      const n = (value - mean) / Math.sqrt(square + 0.01)
      return n * (values(scale)[i % 5] ?? 0) + (parts.beta ? (values(shift)[i % 5] ?? 0) : 0)
    })
  }
  const epsilon = { epsilon: float(0.01) }

  it.each<[string, readonly NodeProto[], (x: readonly number[]) => readonly number[]]>([
    [
      'SkipLayerNormalization',
      [runtime('com.microsoft.SkipLayerNormalization', 'x s g h b', 'y', epsilon)],
      (x) => normalised(x, 'mean', { beta: true, bias: true }),
    ],
    [
      'SkipLayerNormalization without beta and bias',
      [runtime('com.microsoft.SkipLayerNormalization', 'x s g', 'y', epsilon)],
      (x) => normalised(x, 'mean', { beta: false, bias: false }),
    ],
    [
      'SkipLayerNormalization whose sum goes on',
      [runtime('com.microsoft.SkipLayerNormalization', 'x s g h', 'n - - t', epsilon), op('Mul', 'n t', 'y')],
      (x) => {
        const sums = normalised(x, 'sum', { beta: true, bias: false })
        return normalised(x, 'mean', { beta: true, bias: false }).map((n, i) => n * (sums[i] ?? 0))
      },
    ],
    [
      'SkipLayerNormalization of which only the sum is used',
      [runtime('com.microsoft.SkipLayerNormalization', 'x s g h b', 'n - - t', epsilon), op('Mul', 't t', 'y')],
      (x) => normalised(x, 'sum', { beta: true, bias: true }).map((sum) => sum * sum),
    ],
    [
      'SkipSimplifiedLayerNormalization',
      [runtime('com.microsoft.SkipSimplifiedLayerNormalization', 'x s g b', 'y', epsilon)],
      (x) => normalised(x, 'rms', { beta: false, bias: true }),
    ],
  ])('%s', async (_, nodes, forward) => {
    // The skip has the input's shape, batch and all: zeros of it and a constant
    const skipped = [op('Mul', 'x zero', 'z'), op('Add', 'z k', 's'), ...nodes]
    const tensors = [scale, shift, bias, skip, floatTensor('zero', [0], [1])]
    const test = { opset, x: [3, 5], nodes: skipped, tensors, forward }
    expect(await gradientError({ ...test, ...single })).toBeLessThan(1e-4)
  })

  it('a skip that is computed from the image gets its share', async () => {
    const nodes = [op('Mul', 'x b', 's'), runtime('com.microsoft.SkipLayerNormalization', 'x s g', 'y', epsilon)]
    const forward = (x: readonly number[]) => {
      const whole = x.map((value, i) => value * (1 + (values(bias)[i % 5] ?? 0)) - (values(skip)[i % 15] ?? 0))
      return normalised(whole, 'mean', { beta: false, bias: false })
    }
    const test = { opset, x: [3, 5], nodes, tensors: [scale, bias], forward }
    expect(await gradientError({ ...test, ...single })).toBeLessThan(1e-4)
  })

  it.each([
    ['', (v: number) => v],
    ['Relu', (v: number) => Math.max(v, 0)],
    ['Sigmoid', (v: number) => 1 / (1 + Math.exp(-v))],
    ['Tanh', Math.tanh],
  ] as const)('FusedConv with activation "%s"', async (activation, f) => {
    const [kernel, own] = [randomTensor('w', [4, 3, 1, 1]), randomTensor('c', [4])]
    const forward = (x: readonly number[]) =>
      Array.from({ length: 2 * 4 * 6 }, (_, i) => {
        const [n, m, p] = [Math.floor(i / 24), Math.floor(i / 6) % 4, i % 6]
        const sum = [0, 1, 2].reduce(
          (total, c) => total + (values(kernel)[m * 3 + c] ?? 0) * (x[(n * 3 + c) * 6 + p] ?? 0),
          0,
        )
        return f(sum + (values(own)[m] ?? 0))
      })
    const attributes = { kernel_shape: ints(1, 1), ...(activation && { activation: string(activation) }) }
    const nodes = [runtime('com.microsoft.FusedConv', 'x w c', 'y', attributes)]
    const test = { opset, x: [3, 2, 3], nodes, tensors: [kernel, own], forward }
    expect(await gradientError({ ...test, ...single, step: 1e-6 })).toBeLessThan(1e-4)
  })
})

it('FusedConv adds what it is given before its activation', async () => {
  const nodes = [
    runtime('com.microsoft.FusedConv', 'x w - x', 'y', { kernel_shape: ints(1, 1), activation: string('Relu') }),
  ]
  const w = floatTensor('w', [-3], [1, 1, 1, 1])
  // y = relu(-3 x + x)
  expect(await gradientAt({ domains, x: [1, 1, 3], nodes, tensors: [w] }, [-1, 2, 0], [1, 5, 7])).toEqual([-2, 0, 0])
})

it.each<[string, NodeProto, RegExp]>([
  [
    'an activation without a rule',
    runtime('com.microsoft.FusedConv', 'x w', 'y', {
      kernel_shape: ints(1, 1),
      activation: string('LeakyRelu'),
      activation_params: floats(0.1),
    }),
    /\(com.microsoft.FusedConv\).*: its activation "LeakyRelu" has no rule/,
  ],
  [
    'attention',
    runtime('com.microsoft.Attention', 'x w b', 'y', { num_heads: int(1) }),
    /\(com.microsoft.Attention\).*domain "com.microsoft" have no gradient rule.*operators of ONNX alone/,
  ],
])('%s is refused', async (name, node, message) => {
  const isAttention = name === 'attention'
  const tensors = isAttention
    ? [randomTensor('w', [4, 12]), randomTensor('b', [12])]
    : [randomTensor('w', [1, 3, 1, 1])]
  const refusal = gradientModel({ domains, x: isAttention ? [3, 4] : [3, 2, 2], nodes: [node], tensors })
  await expect(refusal).rejects.toThrow(message)
})
