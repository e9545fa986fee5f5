import { describe, expect, it } from 'vitest'
import { floatTensor } from '../../../../src/onnx/tensors.ts'
import { int, op, randomTensor } from '../../models.ts'
import { type DifferenceCase, gradientAt, gradientError } from '../differences.ts'
import { DOUBLE, OPSETS, reduction, smooth } from '../forms.ts'

const kinked = { step: 2 ** -10 } as const
const between = (name: string, ...dims: readonly number[]) => randomTensor(name, dims)

const CASES: Readonly<Record<string, DifferenceCase & { readonly since?: number }>> = {
  'Max of equal shapes': { x: [3, 4], nodes: [op('Neg', 'x', 'n'), op('Max', 'x n', 'y')], ...kinked },
  'Min of equal shapes': { x: [3, 4], nodes: [op('Neg', 'x', 'n'), op('Min', 'n x', 'y')], ...kinked },
  'Max with a vector': {
    x: [3, 4],
    nodes: [op('Max', 'b x', 'y')],
    tensors: [between('b', 3, 1)],
    since: 8,
    ...kinked,
  },
  'Min that stretches x': {
    x: [1, 4],
    nodes: [op('Min', 'x b', 'y')],
    tensors: [between('b', 5, 4)],
    since: 8,
    ...kinked,
  },
  'Max of four, one of them a number': {
    x: [3, 4],
    nodes: [op('Neg', 'x', 'n'), op('Max', 'x b n c', 'y')],
    tensors: [between('b', 4), floatTensor('c', [0.3], [])],
    since: 8,
    ...kinked,
  },
  'Max of one': { x: [3, 4], nodes: [op('Max', 'x', 'y')], ...kinked },
  'Mean of three': {
    x: [3, 4],
    nodes: [op('Mul', 'x x', 'q'), op('Mean', 'x q b', 'y')],
    tensors: [between('b', 3, 1)],
    since: 8,
    ...kinked,
  },
  'Mod as fmod': {
    x: [3, 4],
    nodes: [op('Mod', 'x b', 'y', { fmod: int(1) })],
    tensors: [floatTensor('b', [0.7, -1.3, 9, 0.45], [4])],
    since: 10,
    ...kinked,
  },
  'Mod by x': {
    x: [3, 4],
    nodes: [op('Mod', 'b x', 'y', { fmod: int(1) })],
    tensors: [floatTensor('b', [2.5, -1.5, 3.5, 0.45], [4], DOUBLE)],
    since: 10,
    ...smooth,
    // No multiple of any is among the b
    values: (_, next) => next() * 0.08 + 1,
  },
}

const REDUCTIONS = ['ReduceMax', 'ReduceMin'] as const

describe.each(OPSETS)('opset %i', (opset) => {
  const known = Object.entries(CASES).filter(([, { since = 7 }]) => opset >= since)

  it.each(known)('%s', async (_, test) => {
    expect(await gradientError({ opset, ...test })).toBeLessThan(2e-4)
  })

  it.each(REDUCTIONS)('%s over pixels, over channels, kept and not', async (opType) => {
    const over = (axes: readonly number[], keepdims: number) =>
      gradientError({ opset, x: [3, 5, 4], ...reduction(opset, opType, axes, { keepdims: int(keepdims) }), ...kinked })
    expect(await over([2, 3], 1)).toBeLessThan(2e-4)
    expect(await over([1], 0)).toBeLessThan(2e-4)
    expect(await over([1, 2, 3], 0)).toBeLessThan(2e-4)
  })

  it.each(['Max', 'Min'])('equal inputs of %s share evenly, as torch.maximum', async (opType) => {
    const tensors = [floatTensor('b', [0, 0, 2], [1, 3])]
    const test = { opset, x: [3], nodes: [op(opType, 'x b', 'y')], tensors }
    const passes = opType === 'Max' ? [4, 2, 0] : [0, 2, 4]
    expect(await gradientAt(test, [1, 0, 1], [4, 4, 4])).toEqual(passes)
  })

  it('three equal inputs of Max take a third each', async () => {
    const zero = floatTensor('b', [0, 0], [1, 2])
    const test = { opset, x: [2], nodes: [op('Max', 'x b b', 'y')], tensors: [zero] }
    const [tied, above] = await gradientAt(test, [0, 1], [3, 3])
    expect([tied, above]).toEqual([Math.fround(1), 3])
  })

  it('Max of a tensor with itself passes everything', async () => {
    expect(await gradientAt({ opset, x: [2], nodes: [op('Max', 'x x', 'y')] }, [-1, 2], [3, 5])).toEqual([3, 5])
  })

  it.each(REDUCTIONS)('equal extremes of %s share evenly, as torch.amax', async (opType) => {
    const sign = opType === 'ReduceMax' ? 1 : -1
    const test = { opset, x: [2, 3], ...reduction(opset, opType, [2], { keepdims: int(0) }) }
    const x = [1, 3, 3, 2, 2, 2].map((value) => sign * value)
    expect(await gradientAt(test, x, [4, 6])).toEqual([0, 2, 2, 2, 2, 2])
  })
})
