import { TensorProto_DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { floatTensor, int64Tensor } from '../../../../src/onnx/tensors.ts'
import { int, ints, op, randomTensor, shapeTensor, string } from '../../models.ts'
import { type DifferenceCase, gradientError } from '../differences.ts'
import type { Form } from '../forms.ts'

const OPSETS = [7, 9, 10, 11, 13, 17, 18, 19, 21, 26]
const ERROR = 1e-4

/** Past either end of every axis. */
const far = 2 ** 40

/** A Pad in the form of the operator set; `pads` begin with the batch's. */
function pad(opset: number, pads: readonly number[], mode: string): Pick<DifferenceCase, 'nodes' | 'tensors'> {
  if (opset < 11) return { nodes: [op('Pad', 'x', 'y', { pads: ints(...pads), mode: string(mode) })] }
  return { nodes: [op('Pad', 'x pads', 'y', { mode: string(mode) })], tensors: [shapeTensor('pads', ...pads)] }
}

const PADS: Readonly<Record<string, Form>> = {
  ...Object.fromEntries(
    ['constant', 'reflect', 'edge', 'wrap'].flatMap((mode) => {
      const since = mode === 'wrap' ? 19 : 7
      return [
        [`Pad, ${mode}`, { since, make: (o: number) => ({ x: [3, 5, 4], ...pad(o, [0, 0, 1, 2, 0, 0, 2, 3], mode) }) }],
        [
          `Pad, ${mode}, channels`,
          { since, make: (o: number) => ({ x: [4, 2], ...pad(o, [0, 2, 0, 0, 1, 0], mode) }) },
        ],
        [
          `Pad, ${mode}, negative`,
          { since, make: (o: number) => ({ x: [2, 6], ...pad(o, [0, 0, -1, 0, 0, -2], mode) }) },
        ],
        [
          `Pad, ${mode}, one side negative`,
          { since: Math.max(since, 11), make: (o: number) => ({ x: [2, 6], ...pad(o, [0, 0, -1, 0, 0, 2], mode) }) },
        ],
      ] as const
    }),
  ),
  'Pad, edge, wide': { make: (opset) => ({ x: [2, 3], ...pad(opset, [0, 0, 6, 0, 0, 5], 'edge') }) },
  'Pad of chosen axes': {
    since: 18,
    make: () => ({
      x: [3, 5, 4],
      nodes: [op('Pad', 'x pads - axes', 'y', { mode: string('reflect') })],
      tensors: [shapeTensor('pads', 1, 2, 3, 0), shapeTensor('axes', -1, 2)],
    }),
  },
  'Pad by numbers as PyTorch computes them': {
    since: 11,
    make: () => ({
      x: [2, 3, 4],
      nodes: [
        op('ConstantOfShape', 'four', 'zeros', { value: { tensor: int64Tensor('', [0], [1]) } }),
        op('Concat', 'pairs zeros', 'all', { axis: int(0) }),
        op('Reshape', 'all rows', 'table'),
        op('Slice', 'table last least first last', 'back'),
        op('Transpose', 'back', 'columns', { perm: ints(1, 0) }),
        op('Reshape', 'columns last', 'flat'),
        op('Cast', 'flat', 'pads', { to: int(TensorProto_DataType.INT64) }),
        op('Pad', 'x pads', 'y', { mode: string('reflect') }),
      ],
      tensors: [
        shapeTensor('four', 4),
        shapeTensor('pairs', 1, 2, 0, 1),
        shapeTensor('rows', -1, 2),
        shapeTensor('last', -1),
        shapeTensor('first', 0),
        shapeTensor('least', -far),
      ],
    }),
  },
}

const COPIES: Readonly<Record<string, Form>> = {
  Expand: {
    since: 8,
    make: () => ({ x: [1, 4], nodes: [op('Expand', 'x s', 'y')], tensors: [shapeTensor('s', 1, 3, 1)] }),
  },
  'Tile of two axes': {
    make: () => ({ x: [3, 2], nodes: [op('Tile', 'x r', 'y')], tensors: [shapeTensor('r', 1, 2, 6)] }),
  },
  'Tile of what is pooled behind': {
    make: () => ({
      x: [3, 2, 4],
      nodes: [op('Tile', 'x r', 't'), op('GlobalAveragePool', 't', 'y')],
      tensors: [shapeTensor('r', 1, 2, 1, 3)],
    }),
  },
  'Where between two branches of x': {
    since: 9,
    make: () => ({
      x: [3, 4],
      nodes: [op('Greater', 'x zero', 'c'), op('Neg', 'x', 'n'), op('Where', 'c x n', 'y')],
      tensors: [floatTensor('zero', [0], [])],
      step: 2 ** -6,
    }),
  },
  'Where that stretches a branch': {
    since: 9,
    make: () => ({
      x: [1, 4],
      nodes: [op('Greater', 'd zero', 'c'), op('Where', 'c x d', 'y')],
      tensors: [randomTensor('d', [3, 4]), randomTensor('zero', [1])],
    }),
  },
}

const CASES = Object.entries({ ...PADS, ...COPIES })

describe.each(OPSETS)('opset %i', (opset) => {
  it.each(CASES.filter(([, { since = 7 }]) => opset >= since))('%s', async (_name, { make }) => {
    expect(await gradientError({ opset, step: 1, ...make(opset) })).toBeLessThan(ERROR)
  })
})
