import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { floatTensor } from '../../../../src/onnx/tensors.ts'
import { int, int8Tensor, ints, op, randomTensor, string } from '../../models.ts'
import { gradientError, gradientModel } from '../differences.ts'

interface ConvCase {
  readonly name: string
  readonly x: readonly number[]
  readonly w: readonly number[]
  readonly attributes: Attributes
}

const CASES: readonly ConvCase[] = [
  { name: '3x3 same', x: [2, 7, 5], w: [4, 2, 3, 3], attributes: { pads: ints(1, 1, 1, 1) } },
  { name: '3x3 valid', x: [2, 7, 5], w: [4, 2, 3, 3], attributes: {} },
  { name: '1x1', x: [5, 4, 3], w: [3, 5, 1, 1], attributes: {} },
  { name: '1x1 stride 2', x: [3, 5, 4], w: [2, 3, 1, 1], attributes: { strides: ints(2, 2) } },
  { name: '1x1 padded', x: [3, 5, 4], w: [2, 3, 1, 1], attributes: { pads: ints(1, 1, 1, 1) } },
  { name: '3x3 stride 2, a remainder left', x: [2, 8, 7], w: [3, 2, 3, 3], attributes: { strides: ints(2, 2) } },
  {
    name: 'asymmetric pads, stride 2',
    x: [3, 8, 8],
    w: [4, 3, 3, 3],
    attributes: { strides: ints(2, 2), pads: ints(0, 0, 1, 1) },
  },
  { name: 'asymmetric pads, stride 1', x: [2, 6, 6], w: [3, 2, 4, 2], attributes: { pads: ints(2, 0, 1, 1) } },
  { name: 'pads wider than the kernel', x: [2, 5, 5], w: [2, 2, 2, 2], attributes: { pads: ints(3, 2, 2, 3) } },
  { name: 'dilation 2', x: [2, 9, 8], w: [3, 2, 3, 3], attributes: { dilations: ints(2, 2), pads: ints(2, 1, 2, 0) } },
  {
    name: 'dilation and stride',
    x: [2, 11, 10],
    w: [3, 2, 3, 2],
    attributes: { dilations: ints(2, 3), strides: ints(2, 3), pads: ints(1, 2, 0, 1) },
  },
  { name: 'depthwise', x: [4, 6, 5], w: [4, 1, 3, 3], attributes: { group: int(4), pads: ints(1, 1, 1, 1) } },
  {
    name: 'depthwise with a multiplier',
    x: [3, 6, 5],
    w: [6, 1, 3, 3],
    attributes: { group: int(3), pads: ints(1, 1, 1, 1) },
  },
  {
    name: 'depthwise stride 2',
    x: [4, 7, 6],
    w: [4, 1, 3, 3],
    attributes: { group: int(4), strides: ints(2, 2), pads: ints(1, 1, 1, 1) },
  },
  { name: 'grouped', x: [6, 5, 5], w: [4, 3, 3, 3], attributes: { group: int(2), pads: ints(1, 1, 1, 1) } },
  { name: 'grouped stride 3', x: [6, 9, 8], w: [4, 3, 2, 3], attributes: { group: int(2), strides: ints(3, 3) } },
  { name: 'grouped 1x1', x: [6, 4, 4], w: [4, 3, 1, 1], attributes: { group: int(2) } },
  { name: 'stride wider than the kernel', x: [2, 10, 9], w: [3, 2, 2, 2], attributes: { strides: ints(4, 3) } },
  {
    name: 'SAME_UPPER stride 2',
    x: [2, 7, 8],
    w: [3, 2, 3, 3],
    attributes: { auto_pad: string('SAME_UPPER'), strides: ints(2, 2) },
  },
  {
    name: 'SAME_LOWER stride 2',
    x: [2, 7, 8],
    w: [3, 2, 4, 3],
    attributes: { auto_pad: string('SAME_LOWER'), strides: ints(2, 2) },
  },
  { name: 'SAME_UPPER stride 1', x: [2, 5, 6], w: [3, 2, 4, 2], attributes: { auto_pad: string('SAME_UPPER') } },
  { name: 'VALID', x: [2, 7, 8], w: [3, 2, 3, 3], attributes: { auto_pad: string('VALID'), strides: ints(2, 1) } },
  { name: 'one-dimensional', x: [3, 11], w: [2, 3, 4], attributes: { strides: ints(2), pads: ints(1, 2) } },
  {
    name: 'one-dimensional, grouped and dilated',
    x: [4, 9],
    w: [6, 2, 3],
    attributes: { group: int(2), dilations: ints(2) },
  },
  {
    name: 'three-dimensional, strided',
    x: [2, 5, 4, 6],
    w: [3, 2, 2, 3, 2],
    attributes: { strides: ints(2, 1, 3), pads: ints(1, 0, 1, 0, 2, 1) },
  },
  { name: 'three-dimensional', x: [2, 4, 5, 3], w: [3, 2, 2, 3, 2], attributes: { pads: ints(1, 1, 0, 0, 1, 1) } },
]

describe('the gradient of a convolution', () => {
  for (const opset of [7, 11, 22]) {
    it.each(CASES)(`$name, opset ${opset}`, async ({ x, w, attributes }) => {
      const nodes = [op('Conv', 'x w b', 'y', attributes)]
      const tensors = [randomTensor('w', w), randomTensor('b', [w[0] ?? 1])]
      expect(await gradientError({ opset, x, nodes, tensors, step: 1 })).toBeLessThan(1e-4)
    })
  }

  it('is a convolution where the stride is 1, and ConvTranspose elsewhere', async () => {
    const opTypes = async (strides: readonly number[], pads: readonly number[]): Promise<readonly string[]> => {
      const nodes = [op('Conv', 'x w', 'y', { strides: ints(...strides), pads: ints(...pads) })]
      const { nodes: added } = await gradientModel({ x: [2, 8, 8], nodes, tensors: [randomTensor('w', [3, 2, 3, 3])] })
      return added.map((node) => node.opType)
    }
    expect(await opTypes([1, 1], [1, 1, 1, 1])).toEqual(['Transpose', 'Gather', 'Gather', 'Conv'])
    expect(await opTypes([2, 2], [1, 1, 1, 1])).toEqual(['ConvTranspose'])
    // ConvTranspose cannot cut one end alone where CUDA is to have it
    expect(await opTypes([2, 2], [0, 0, 1, 1])).toEqual(['ConvTranspose', 'Slice'])
  })

  it.each(['Identity', 'Transpose', 'DequantizeLinear'])(
    'passes weights that %s makes of constants',
    async (opType) => {
      const make = {
        Identity: { node: op('Identity', 'v', 'w'), tensors: [randomTensor('v', [4, 2, 3, 3])] },
        Transpose: {
          node: op('Transpose', 'v', 'w', { perm: ints(1, 0, 2, 3) }),
          tensors: [randomTensor('v', [2, 4, 3, 3])],
        },
        DequantizeLinear: {
          node: op('DequantizeLinear', 'q scale', 'w'),
          tensors: [int8Tensor('q', [4, 2, 3, 3]), floatTensor('scale', [0.1], [])],
        },
      }[opType]
      const nodes = [...(make ? [make.node] : []), op('Conv', 'x w', 'y', { pads: ints(1, 1, 1, 1) })]
      expect(await gradientError({ x: [2, 5, 6], nodes, tensors: make?.tensors ?? [], step: 1 })).toBeLessThan(1e-4)
    },
  )

  it('refuses weights that are computed from the image, by node and operator', async () => {
    const nodes = [op('Identity', 'x', 'w'), op('Conv', 'x w', 'y')]
    await expect(gradientModel({ x: [2, 3, 3], nodes: nodes })).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })
})
