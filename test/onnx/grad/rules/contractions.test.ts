import { TensorProto_DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import type { FloatType } from '../../../../src/onnx/tensors.ts'
import { int, op, randomTensor, shapeTensor, string } from '../../models.ts'
import { type DifferenceCase, gradientError, gradientModel } from '../differences.ts'

const DOUBLE: FloatType = TensorProto_DataType.DOUBLE
const random = (name: string, dims: readonly number[]) => randomTensor(name, dims, 1, DOUBLE)
const smooth = { type: DOUBLE, step: 1e-4, values: (_: number, next: () => number) => next() * 2 } as const

const einsum = (equation: string, inputs: string) => op('Einsum', inputs, 'y', { equation: string(equation) })

type Equation = readonly [
  equation: string,
  inputs: string,
  x: readonly number[],
  constants?: Readonly<Record<string, readonly number[]>>,
]

/** Equation, inputs, x without its batch, and the shapes of `a` and `b`. */
const EQUATIONS: readonly Equation[] = [
  ['nij,jk->nik', 'x a', [3, 4], { a: [4, 5] }],
  ['nij, jk -> nik', 'x a', [3, 4], { a: [4, 5] }],
  ['jk,nij->nki', 'a x', [3, 4], { a: [4, 5] }],
  ['nhid,nhjd->nhij', 'x x', [2, 3, 4]],
  ['nhwc,hkc->nhwk', 'x a', [2, 3, 4], { a: [2, 5, 4] }],
  ['bid,jd', 'x a', [3, 4], { a: [5, 4] }],
  ['nji->nij', 'x', [3, 4]],
  ['nij->ni', 'x', [3, 4]],
  ['bji', 'x', [3, 4]],
  ['nij,k->nik', 'x a', [3, 4], { a: [5] }],
  ['ni,nj->nij', 'x x', [3]],
  ['...ij,jk->...ik', 'x a', [2, 3, 4], { a: [4, 5] }],
  ['...ij,...jk->...ik', 'x a', [2, 3, 4], { a: [1, 2, 4, 5] }],
  ['...ij,...jk->...ik', 'x a', [1, 3, 4], { a: [1, 2, 4, 5] }],
  ['...ij,...jk->...ik', 'x a', [2, 3, 4], { a: [1, 1, 4, 5] }],
  ['...ij,...jk', 'x a', [2, 3, 4], { a: [1, 1, 4, 5] }],
  ['b...c,c->b...', 'x a', [2, 3, 4], { a: [4] }],
  ['ni,ij,jk->nk', 'x a b', [3], { a: [3, 4], b: [4, 5] }],
]

describe.each([12, 13, 17, 26])('Einsum, opset %i', (opset) => {
  const cases = EQUATIONS.map((equation) => ({ equation, name: JSON.stringify(equation) }))

  it.each(cases)('$name', async ({ equation: [equation, inputs, x, constants = {}] }) => {
    const tensors = Object.entries(constants).map(([name, dims]) => random(name, dims))
    expect(await gradientError({ opset, x, nodes: [einsum(equation, inputs)], tensors, ...smooth })).toBeLessThan(1e-6)
  })

  it('behind which an axis is pooled', async () => {
    const nodes = [
      op('Einsum', 'x a', 'e', { equation: string('nij,jk->nik') }),
      op('Flatten', 'e', 'f'),
      op('Gemm', 'f b', 'y'),
    ]
    const tensors = [random('a', [4, 5]), random('b', [15, 2])]
    expect(await gradientError({ opset, x: [3, 4], nodes, tensors, ...smooth })).toBeLessThan(1e-6)
  })
})

it('an Einsum that takes a diagonal is refused', async () => {
  await expect(gradientModel({ x: [3, 3], nodes: [einsum('nii->ni', 'x')] })).rejects.toThrow(/Einsum.*repeats a label/)
})

const MATRICES: Readonly<Record<string, Omit<DifferenceCase, 'type' | 'step' | 'values'>>> = {
  'MatMul by a plain vector': { x: [5, 4], nodes: [op('MatMul', 'x v', 'y')], tensors: [random('v', [4])] },
  'MatMul of a plain vector by x': { x: [4, 5], nodes: [op('MatMul', 'v x', 'y')], tensors: [random('v', [4])] },
  'MatMul by a batch that is stretched': {
    x: [1, 5, 4],
    nodes: [op('MatMul', 'x w', 'y')],
    tensors: [random('w', [3, 4, 2])],
  },
  'MatMul of a batch that is stretched by x': {
    x: [3, 4, 2],
    nodes: [op('MatMul', 'w x', 'y')],
    tensors: [random('w', [3, 5, 4])],
  },
  'MatMul of a column by rows of x': {
    x: [4],
    nodes: [op('Unsqueeze7', 'x', 'u'), op('MatMul', 'w u', 'y')],
    tensors: [random('w', [5, 1])],
  },
  'attention: scores of x with x, and x again': {
    x: [2, 5, 4],
    nodes: [
      op('MatMul', 'x wq', 'q'),
      op('MatMul', 'x wk', 'k'),
      op('Transpose', 'k', 't', { perm: { ints: [0, 1, 3, 2] } }),
      op('MatMul', 'q t', 's'),
      op('Tanh', 's', 'p'),
      op('MatMul', 'p x', 'y'),
    ],
    tensors: [random('wq', [4, 3]), random('wk', [4, 3])],
  },
  'MatMul of x by its own pooled channels': {
    x: [4, 3],
    nodes: [
      op('ReduceSum7', 'x', 'c'),
      op('Transpose', 'x', 't', { perm: { ints: [0, 2, 1] } }),
      op('MatMul', 'c t', 'y'),
    ],
  },
}

describe.each([7, 9, 11, 13, 17, 21, 26])('opset %i', (opset) => {
  it.each(Object.entries(MATRICES))('%s', async (_name, test) => {
    expect(await gradientError({ ...inOpset(opset, test), opset, ...smooth })).toBeLessThan(1e-6)
  })
})

/** The nodes whose axes are an input in newer operator sets, written as each wants them. */
function inOpset(opset: number, test: DifferenceCase): DifferenceCase {
  const axes = shapeTensor('axes', 1)
  const isInput = opset >= 13
  const nodes = test.nodes.map((node) => {
    if (!node.opType.endsWith('7')) return node
    const inputs = [...node.input, ...(isInput ? ['axes'] : [])].join(' ')
    const keepdims = node.opType.startsWith('Reduce') ? { keepdims: int(1) } : {}
    const attributes = { ...(isInput ? {} : { axes: { ints: [1] } }), ...keepdims }
    return op(node.opType.slice(0, -1), inputs, node.output.join(' '), attributes)
  })
  return { ...test, nodes, tensors: [...(test.tensors ?? []), axes] }
}
