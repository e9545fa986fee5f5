import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { int, ints, op, randomTensor, string } from '../../models.ts'
import { gradientError, gradientModel } from '../differences.ts'

interface Case {
  readonly name: string
  readonly x: readonly number[]
  /** Channels in, channels out per group, kernel. */
  readonly w: readonly number[]
  readonly attributes: Attributes
}

const CASES: readonly Case[] = [
  { name: '2x2 stride 2', x: [3, 4, 5], w: [3, 2, 2, 2], attributes: { strides: ints(2, 2) } },
  { name: '3x3 stride 1', x: [3, 4, 5], w: [3, 2, 3, 3], attributes: {} },
  {
    name: '3x3 stride 2, padded, with output padding',
    x: [2, 4, 5],
    w: [2, 3, 3, 3],
    attributes: { strides: ints(2, 2), pads: ints(1, 1, 1, 1), output_padding: ints(1, 1) },
  },
  {
    name: 'output padding without pads',
    x: [2, 4, 3],
    w: [2, 3, 2, 3],
    attributes: { strides: ints(3, 2), output_padding: ints(2, 1) },
  },
  {
    name: 'asymmetric pads',
    x: [2, 4, 5],
    w: [2, 3, 4, 3],
    attributes: { strides: ints(2, 1), pads: ints(0, 2, 1, 0) },
  },
  { name: 'dilated', x: [2, 4, 5], w: [2, 3, 3, 2], attributes: { dilations: ints(2, 3), strides: ints(1, 2) } },
  { name: 'grouped', x: [4, 4, 3], w: [4, 3, 3, 3], attributes: { group: int(2), strides: ints(2, 2) } },
  {
    name: 'depthwise',
    x: [4, 4, 3],
    w: [4, 1, 4, 4],
    attributes: { group: int(4), strides: ints(2, 2), pads: ints(1, 1, 1, 1) },
  },
  { name: 'stride wider than the kernel', x: [2, 3, 4], w: [2, 3, 2, 1], attributes: { strides: ints(3, 4) } },
  {
    name: 'an output shape that cuts an odd rest',
    x: [2, 4, 5],
    w: [2, 3, 4, 3],
    attributes: { strides: ints(2, 2), output_shape: ints(9, 10) },
  },
  {
    name: 'an output shape that cuts more',
    x: [2, 4, 5],
    w: [2, 3, 4, 3],
    attributes: { strides: ints(2, 2), output_shape: ints(7, 8) },
  },
  {
    name: 'an output shape, SAME_UPPER',
    x: [2, 4, 5],
    w: [2, 3, 4, 3],
    attributes: { strides: ints(2, 2), output_shape: ints(7, 8), auto_pad: string('SAME_UPPER') },
  },
  {
    name: 'SAME_UPPER',
    x: [2, 4, 5],
    w: [2, 3, 3, 4],
    attributes: { strides: ints(2, 2), auto_pad: string('SAME_UPPER') },
  },
  {
    name: 'SAME_LOWER',
    x: [2, 4, 5],
    w: [2, 3, 3, 4],
    attributes: { strides: ints(2, 1), auto_pad: string('SAME_LOWER') },
  },
  { name: 'VALID', x: [2, 4, 5], w: [2, 3, 3, 2], attributes: { strides: ints(2, 2), auto_pad: string('VALID') } },
  { name: 'one-dimensional', x: [3, 5], w: [3, 2, 3], attributes: { strides: ints(2), pads: ints(1, 0) } },
  { name: 'three-dimensional', x: [2, 3, 2, 4], w: [2, 3, 2, 3, 2], attributes: { strides: ints(2, 1, 2) } },
]

describe.each([7, 11, 22])('the gradient of a transposed convolution, opset %i', (opset) => {
  it.each(CASES)('$name', async ({ x, w, attributes }) => {
    const nodes = [op('ConvTranspose', 'x w b', 'y', attributes)]
    const channels =
      (w[1] ?? 1) * (attributes.group !== undefined && 'int' in attributes.group ? attributes.group.int : 1)
    const tensors = [randomTensor('w', w), randomTensor('b', [channels])]
    expect(await gradientError({ opset, x, nodes, tensors, step: 1 })).toBeLessThan(1e-4)
  })
})

it('weights that are computed from the image are refused', async () => {
  const nodes = [op('Identity', 'x', 'w'), op('ConvTranspose', 'x w', 'y')]
  await expect(gradientModel({ x: [2, 3, 3], nodes })).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
})
