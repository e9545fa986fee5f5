import { describe, expect, it } from 'vitest'
import { floatTensor, int64Tensor } from '../../../../src/onnx/tensors.ts'
import { op } from '../../models.ts'
import { type DifferenceCase, gradientAt, gradientError, gradientModel } from '../differences.ts'
import { DOUBLE, OPSETS, positive, random, smooth, smoothOverZero } from '../forms.ts'

interface Named extends DifferenceCase {
  readonly name: string
  readonly since?: number
}

const exponent = (...values: readonly number[]) => floatTensor('b', values, [values.length], DOUBLE)

const CASES: readonly Named[] = [
  { name: 'Sqrt', x: [3, 4], nodes: [op('Sqrt', 'x', 'y')], ...smoothOverZero },
  { name: 'Reciprocal', x: [3, 4], nodes: [op('Reciprocal', 'x', 'y')], ...smoothOverZero },
  { name: 'Pow to 2', x: [3, 5], nodes: [op('Pow', 'x b', 'y')], tensors: [exponent(2)], ...smooth },
  { name: 'Pow to 3', x: [3, 5], nodes: [op('Pow', 'x b', 'y')], tensors: [exponent(3)], ...smooth },
  { name: 'Pow to 1', x: [3, 5], nodes: [op('Pow', 'x b', 'y')], tensors: [exponent(1)], ...smooth },
  { name: 'Pow to -2', x: [3, 5], nodes: [op('Pow', 'x b', 'y')], tensors: [exponent(-2)], ...smoothOverZero },
  { name: 'Pow to 0.5', x: [3, 5], nodes: [op('Pow', 'x b', 'y')], tensors: [exponent(0.5)], ...smoothOverZero },
  {
    name: 'Pow to exponents of each channel',
    x: [4, 3, 1],
    nodes: [op('Pow', 'x b', 'y')],
    tensors: [floatTensor('b', [0, 1, 2.5, -1], [4, 1, 1], DOUBLE)],
    ...smoothOverZero,
  },
  {
    name: 'Pow that stretches its base',
    x: [1, 3],
    nodes: [op('Pow', 'x b', 'y')],
    tensors: [positive('b', 5, 1)],
    ...smoothOverZero,
  },
  {
    name: 'Pow of a constant to x',
    x: [3, 5],
    nodes: [op('Pow', 'a x', 'y')],
    tensors: [positive('a', 3, 1)],
    ...smooth,
  },
  { name: 'Pow of x to x', x: [3, 5], nodes: [op('Pow', 'x x', 'y')], ...smoothOverZero },
  {
    name: 'Pow to whole exponents',
    x: [3, 5],
    nodes: [op('Pow', 'x b', 'y')],
    tensors: [int64Tensor('b', [3, 2, 0, 1, 2], [5])],
    since: 12,
    ...smooth,
  },
  {
    name: 'Pow before a multiplication',
    x: [3, 4, 5],
    nodes: [op('Pow', 'x b', 'p'), op('Mul', 'p c', 'y')],
    tensors: [exponent(2), random('c', 3, 1, 1)],
    ...smooth,
  },
]

describe.each(OPSETS)('opset %i', (opset) => {
  it.each(CASES.filter(({ since = 7 }) => opset >= since))('$name', async (test) => {
    expect(await gradientError({ opset, ...test })).toBeLessThan(1e-6)
  })

  it.each([
    ['a single exponent', [2], [0, 0, -4]],
    ['a single exponent between 1 and 2', [1.5], [0, 0, Number.NaN]],
    ['exponents of their own, 0 among them', [2, 0, 3], [0, 0, 12]],
  ] as const)('the base of Pow at 0: %s', async (_, exponents, expected) => {
    const tensors = [floatTensor('b', exponents, [exponents.length])]
    const test = { opset, x: [3], nodes: [op('Pow', 'x b', 'y')], tensors }
    expect(await gradientAt(test, [0, 0, -2], [1, 1, 1])).toEqual(expected)
  })

  it('the exponent of Pow over a base of 0', async () => {
    const test = { opset, x: [3], nodes: [op('Pow', 'a x', 'y')], tensors: [floatTensor('a', [0, 1, 0], [3])] }
    expect(await gradientAt(test, [2, 5, 0.5], [1, 1, 1])).toEqual([0, 0, 0])
  })

  it('a large base does not overflow on the way', async () => {
    const test = { opset, x: [2], nodes: [op('Pow', 'x b', 'y')], tensors: [floatTensor('b', [2], [])] }
    const [above, below] = await gradientAt(test, [1e19, -1e19], [1, 1])
    expect([above, below]).toEqual([Math.fround(2e19), -Math.fround(2e19)])
  })
})

it('x^2 takes one multiplication; the factor is the second, and may wait for another', async () => {
  const test = { x: [3], nodes: [op('Pow', 'x b', 'y')], tensors: [floatTensor('b', [2], [])] }
  const { nodes } = await gradientModel(test)
  expect(nodes.map(({ opType }) => opType)).toEqual(['Mul', 'Mul'])
})
