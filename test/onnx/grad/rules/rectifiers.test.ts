import { describe, expect, it } from 'vitest'
import { floatTensor } from '../../../../src/onnx/tensors.ts'
import { op, randomTensor } from '../../models.ts'
import { type DifferenceCase, gradientAt, gradientError } from '../differences.ts'
import { OPSETS, reduction } from '../forms.ts'

const CASES: Readonly<Record<string, (opset: number) => DifferenceCase>> = {
  'one slope': () => ({ x: [3, 4], nodes: [op('PRelu', 'x s', 'y')], tensors: [floatTensor('s', [-0.25], [1])] }),
  'a slope of each channel': () => ({
    x: [3, 4, 5],
    nodes: [op('PRelu', 'x s', 'y')],
    tensors: [randomTensor('s', [3, 1, 1])],
  }),
  'a slope of each pixel': () => ({
    x: [3, 4],
    nodes: [op('PRelu', 'x s', 'y')],
    tensors: [randomTensor('s', [3, 4])],
  }),
  'slopes that depend on x': (opset) => {
    const mean = reduction(opset, 'ReduceMean', [2], {}, ['x', 's'])
    return { x: [3, 4], nodes: [...mean.nodes, op('PRelu', 'x s', 'y')], tensors: mean.tensors, step: 2 ** -8 }
  },
}

describe.each(OPSETS)('PRelu, opset %i', (opset) => {
  it.each(Object.entries(CASES))('%s', async (_, form) => {
    expect(await gradientError({ opset, step: 2 ** -6, ...form(opset) })).toBeLessThan(2e-4)
  })

  it('takes its slope at 0', async () => {
    const test = { opset, x: [3], nodes: [op('PRelu', 'x s', 'y')], tensors: [floatTensor('s', [0.25], [1])] }
    expect(await gradientAt(test, [-1e30, 0, 1e30], [4, 4, 4])).toEqual([1, 1, 4])
  })
})
