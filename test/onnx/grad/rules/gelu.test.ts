import { expect, it } from 'vitest'
import { floatTensor } from '../../../../src/onnx/tensors.ts'
import { op } from '../../models.ts'
import { gradientAt } from '../differences.ts'

it.each([9, 13, 20])('a Gelu that is written out has the gradient of the operator, opset %i', async (opset) => {
  const nodes = [
    op('Div', 'x root', 's'),
    op('Erf', 's', 'e'),
    op('Add', 'e one', 'p'),
    op('Mul', 'x p', 'q'),
    op('Mul', 'q half', 'y'),
  ]
  const tensors = [floatTensor('root', [Math.SQRT2], []), floatTensor('one', [1], []), floatTensor('half', [0.5], [])]
  const x = [-1e4, -6, -2, -0.7517915, -0.3, 0, 0.3, 1, 6, 1e4]
  const seed = x.map((_, i) => i - 3.5)
  const written = await gradientAt({ opset, x: [x.length], nodes, tensors }, x, seed)
  const whole = await gradientAt({ opset: 20, x: [x.length], nodes: [op('Gelu', 'x', 'y')] }, x, seed)
  written.forEach((value, i) => {
    expect(value).toBeCloseTo(whole[i] ?? Number.NaN, 5)
  })
})
