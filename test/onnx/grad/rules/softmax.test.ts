import { describe, expect, it } from 'vitest'
import { int, op, randomTensor } from '../../models.ts'
import { gradientAt, gradientError, gradientModel } from '../differences.ts'
import { DOUBLE, OPSETS, reduction, smooth } from '../forms.ts'

describe.each(OPSETS)('opset %i', (opset) => {
  describe.each(['Softmax', 'LogSoftmax'])('%s', (opType) => {
    it.each([
      ['by default', [3, 4], {}],
      ['of logits', [5], {}],
      ['over channels', [3, 4, 2], { axis: int(1) }],
      ['over the axis before the last', [3, 4, 2], { axis: int(opset < 11 ? 2 : -2) }],
      ['over an axis of length 1', [3, 1], { axis: int(2) }],
    ] as const)('%s', async (_, x, attributes) => {
      const nodes = [
        op('Mul', 'x w', 'z'),
        op(opType, 'z', 's', attributes),
        op('Add', 's x', 'a'),
        op('Mul', 'a x', 'y'),
      ]
      const tensors = [randomTensor('w', x, 1, DOUBLE)]
      expect(await gradientError({ opset, x, nodes, tensors, ...smooth })).toBeLessThan(1e-6)
    })

    it('whose rows are averaged', async () => {
      const rows = reduction(opset, 'ReduceMean', [1], { keepdims: int(0) }, ['s', 'y'])
      const test = { x: [3, 4], nodes: [op(opType, 'x', 's', { axis: int(2) }), ...rows.nodes], tensors: rows.tensors }
      expect(await gradientError({ opset, ...test, ...smooth })).toBeLessThan(1e-6)
    })

    it('is finite where the numbers are far apart', async () => {
      const dx = await gradientAt({ opset, x: [3], nodes: [op(opType, 'x', 'y')] }, [1e4, -1e4, 0], [1, 2, 5])
      expect(dx).toEqual(opType === 'Softmax' ? [0, 0, 0] : [1 - 8, 2, 5])
    })
  })
})

it.each(['Softmax', 'LogSoftmax'])('%s over the batch is refused', async (opType) => {
  const nodes = [op(opType, 'x', 'y', { axis: int(0) })]
  await expect(gradientModel({ x: [3], nodes, opset: 13 })).rejects.toThrow(/mixes the images/)
  await expect(gradientModel({ x: [3], nodes, opset: 9 })).rejects.toThrow(/mixes the images/)
})
