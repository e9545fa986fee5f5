import { expect, it } from 'vitest'
import { op } from '../../models.ts'
import { gradientAt, gradientModel } from '../differences.ts'

it.each([
  ['Ceil', 7],
  ['Floor', 7],
  ['Round', 11],
  ['Sign', 9],
])('nothing comes through %s, but all of it beside', async (opType, opset) => {
  const beside = { opset, x: [2], nodes: [op(opType, 'x', 's'), op('Mul', 's x', 'y')] }
  expect(await gradientAt(beside, [2.5, -1], [2, 1])).toEqual([
    2 * (opType === 'Ceil' ? 3 : opType === 'Sign' ? 1 : 2),
    -1,
  ])
  await expect(gradientModel({ opset, x: [2], nodes: [op(opType, 'x', 'y')] })).rejects.toThrow('no gradient at x')
})
