import { describe, expect, it } from 'vitest'
import { int, op, shapeTensor } from '../../models.ts'
import { type DifferenceCase, gradientAt, gradientError, gradientModel } from '../differences.ts'
import { reduction, smooth, smoothOverZero } from '../forms.ts'

/** Reductions that are smooth where every number is over 0. */
const SMOOTH = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMean',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
] as const

const WAYS = [
  ['pixels', [2, 3], 1],
  ['pixels, not kept', [2, 3], 0],
  ['channels and an axis of length 1', [1, 4], 0],
  ['all but the batch', [1, 2, 3, 4], 0],
] as const

// The axes of a sum became an input in 13, of the others in 18
describe.each([7, 11, 13, 18, 26])('opset %i', (opset) => {
  describe.each(SMOOTH)('%s', (opType) => {
    it.each(WAYS)('over %s', async (_, axes, keepdims) => {
      const form = reduction(opset, opType, axes, { keepdims: int(keepdims) })
      expect(await gradientError({ opset, x: [3, 5, 4, 1], ...form, ...smoothOverZero })).toBeLessThan(1e-6)
    })

    it('whose result is averaged again', async () => {
      const first = reduction(opset, opType, [3], {}, ['x', 'r'])
      const second = reduction(opset, 'ReduceMean', [2], { keepdims: int(0) }, ['r', 'y'])
      const both = { nodes: [...first.nodes, ...second.nodes], tensors: [...first.tensors, ...second.tensors] }
      expect(await gradientError({ opset, x: [3, 5, 4], ...both, ...smoothOverZero })).toBeLessThan(1e-6)
    })
  })

  it.each(['ReduceL2', 'ReduceLogSumExp', 'ReduceSumSquare', 'ReduceProd'])('%s of both signs', async (opType) => {
    const form = reduction(opset, opType, [opset < 11 ? 3 : -1], { keepdims: int(0) })
    expect(await gradientError({ opset, x: [3, 5, 4], ...form, ...smooth })).toBeLessThan(1e-6)
  })

  it('GlobalLpPool of every p', async () => {
    if (opset > 21) return // ONNX Runtime 1.30 has none from operator set 22 on
    for (const p of [1, 2, 3]) {
      const nodes = [op('GlobalLpPool', 'x', 'y', { p: int(p) })]
      const test = { opset, x: [3, 5, 4], nodes, values: (i: number) => ((i * 7) % 11) / 10 - 0.45 }
      expect(await gradientError({ ...test, step: 2 ** -7 })).toBeLessThan(1e-3)
    }
  })

  it.each([
    ['ReduceL1', [0, -0, 3, 0, 0, 0], [0, 0, 2, 0, 0, 0]],
    ['ReduceL2', [0, 3, 4, 0, 0, 0], [0, 2 * 0.6, 2 * 0.8, 0, 0, 0]],
    ['ReduceSumSquare', [0, 1, -2, 0, 0, 0], [0, 4, -8, 0, 0, 0]],
    ['ReduceProd', [2, 0, 3, 0, 0, 5], [0, 12, 0, 0, 0, 0]],
    ['ReduceLogSumExp', [90, -90, 90, -90, -90, -90], [1, 0, 1, 1, 1, 1]],
  ] as const)('%s where it is 0 or far out', async (opType, x, expected) => {
    const test: DifferenceCase = { opset, x: [2, 3], ...reduction(opset, opType, [2], { keepdims: int(0) }) }
    const dx = await gradientAt(test, x, [2, 3])
    dx.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 4)
    })
  })
})

describe('a reduction over no axes', () => {
  it.each(SMOOTH)('%s works on each number alone', async (opType) => {
    const opset = 18
    const rows = reduction(opset, 'ReduceSum', [2], { keepdims: int(0) }, ['x', 'r'])
    const nodes = [...rows.nodes, op(opType, 'r none', 'y', { noop_with_empty_axes: int(1) })]
    const tensors = [...rows.tensors, shapeTensor('none')]
    expect(await gradientError({ opset, x: [3, 2], nodes, tensors, ...smoothOverZero })).toBeLessThan(1e-6)
  })
})

it('the gradient of a sum stays as short as the sum', async () => {
  const { nodes } = await gradientModel({ opset: 13, x: [3, 4], ...reduction(13, 'ReduceSum', [2]) })
  // the one node is the test's own expansion to the input's shape
  expect(nodes.map(({ opType }) => opType)).toEqual(['Mul'])
})
