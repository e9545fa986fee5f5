import { TensorProto_DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import type { FloatType } from '../../../../src/onnx/tensors.ts'
import { float, int, ints, op, randomTensor, shapeTensor } from '../../models.ts'
import { type DifferenceCase, gradientError, gradientModel } from '../differences.ts'

const DOUBLE: FloatType = TensorProto_DataType.DOUBLE
const random = (name: string, dims: readonly number[]) => randomTensor(name, dims, 1, DOUBLE)
const smooth = { type: DOUBLE, step: 1e-4, values: (_: number, next: () => number) => next() * 2 } as const

/** An operator whose axes became an input in operator set `since`. */
function withAxes(opset: number, since: number, opType: string, axes: readonly number[], rest = {}) {
  return opset < since
    ? { nodes: [op(opType, 'x', 'y', { axes: ints(...axes), ...rest })] }
    : { nodes: [op(opType, 'x axes', 'y', rest)], tensors: [shapeTensor('axes', ...axes)] }
}

/** ReduceMean without kept axes, in the form of the operator set, and the tensor it needs. */
function mean(opset: number, input: string, output: string, axes: readonly number[]) {
  const isAttribute = opset < 18
  const rest = { keepdims: int(0) }
  return {
    node: isAttribute
      ? op('ReduceMean', input, output, { axes: ints(...axes), ...rest })
      : op('ReduceMean', `${input} mean_axes`, output, rest),
    tensors: isAttribute ? [] : [shapeTensor('mean_axes', ...axes)],
  }
}

type Form = (opset: number) => DifferenceCase

const CASES: Readonly<Record<string, Form>> = {
  'Flatten of a feature map': () => ({ x: [3, 2, 4], nodes: [op('Flatten', 'x', 'y')], step: 1 }),
  'Reshape that merges axes': () => ({
    x: [3, 2, 4],
    nodes: [op('Reshape', 'x s', 'y')],
    tensors: [shapeTensor('s', 0, -1)],
    step: 1,
  }),
  'Reshape that splits axes': () => ({
    x: [6, 4],
    nodes: [op('Reshape', 'x s', 'y')],
    tensors: [shapeTensor('s', -1, 3, 2, 4)],
    step: 1,
  }),
  'Squeeze of every axis of length 1': () => ({ x: [3, 1, 1], nodes: [op('Squeeze', 'x', 'y')], step: 1 }),
  'Squeeze of one axis': (opset) => ({ x: [3, 1, 2], ...withAxes(opset, 13, 'Squeeze', [2]), step: 1 }),
  'a mean behind a new axis, short axes moved': (opset) => {
    const { node, tensors } = mean(opset, 'u', 'y', [3, 4])
    const nodes = [op('Reshape', 'x s', 'u'), node]
    return { x: [3, 5, 4], nodes, tensors: [shapeTensor('s', 0, 1, 3, 5, 4), ...tensors], step: 1 }
  },
  'a mean over an axis that Add stretched': (opset) => {
    const { node, tensors } = mean(opset, 's', 'y', [1])
    return { x: [1, 4], nodes: [op('Add', 'x b', 's'), node], tensors: [random('b', [5, 4]), ...tensors], ...smooth }
  },
  Unsqueeze: (opset) => ({ x: [3, 2], ...withAxes(opset, 13, 'Unsqueeze', [1, 4]), step: 1 }),
  'Transpose to channels last': () => ({
    x: [3, 2, 4],
    nodes: [op('Transpose', 'x', 'y', { perm: ints(0, 2, 3, 1) })],
    step: 1,
  }),
  'Transpose that moves the batch': () => ({
    x: [3, 2],
    nodes: [op('Transpose', 'x', 't'), op('Transpose', 't', 'y', { perm: ints(2, 0, 1) })],
    step: 1,
  }),
  'ReduceMean over pixels': (opset) => ({
    x: [3, 5, 4],
    ...withAxes(opset, 18, 'ReduceMean', [2, 3], { keepdims: int(0) }),
    step: 1,
  }),
  'ReduceMean over negative axes, kept': (opset) => ({
    x: [3, 5, 4],
    ...withAxes(opset, 18, 'ReduceMean', [-1, -2]),
    step: 1,
  }),
  'ReduceMean over channels': (opset) => ({
    x: [3, 5, 4],
    ...withAxes(opset, 18, 'ReduceMean', [1], { keepdims: int(0) }),
    step: 1,
  }),
  ReduceSum: (opset) => ({ x: [3, 5, 4], ...withAxes(opset, 13, 'ReduceSum', [1, 3]), step: 1 }),
  'Concat of three, one a constant': (opset) => ({
    x: [3, 2, 2],
    nodes: [op('Relu', 'x', 'a'), op('Neg', 'x', 'b'), op('Concat', 'a b a', 'y', { axis: int(opset < 11 ? 1 : -3) })],
  }),
  'Concat along pixels': () => ({
    x: [3, 2, 2],
    nodes: [op('Neg', 'x', 'b'), op('Concat', 'x b', 'y', { axis: int(3) })],
    step: 1,
  }),
  'Gemm transB': () => ({
    x: [4],
    nodes: [op('Gemm', 'x w c', 'y', { transB: int(1), alpha: float(0.5) })],
    tensors: [random('w', [3, 4]), random('c', [3])],
    ...smooth,
  }),
  'Gemm plain': () => ({
    x: [4],
    nodes: [op('Gemm', 'x w c', 'y', { beta: float(2) })],
    tensors: [random('w', [4, 3]), random('c', [1, 3])],
    ...smooth,
  }),
  'Gemm whose C depends on x': () => ({
    x: [4],
    nodes: [op('Gemm', 'x w x', 'y', { beta: float(2) })],
    tensors: [random('w', [4, 4])],
    ...smooth,
  }),
  'Gemm transA': () => ({
    x: [4],
    nodes: [op('Transpose', 'x', 't'), op('Gemm', 't w c', 'y', { transA: int(1) })],
    tensors: [random('w', [4, 3]), random('c', [3])],
    ...smooth,
  }),
  'Gemm transA transB': () => ({
    x: [4],
    nodes: [op('Transpose', 'x', 't'), op('Gemm', 't w c', 'y', { transA: int(1), transB: int(1) })],
    tensors: [random('w', [3, 4]), random('c', [3])],
    ...smooth,
  }),
  'Gemm of weights times x': () => ({
    x: [4],
    nodes: [op('Gemm', 'w x c', 'z', { transB: int(1) }), op('Transpose', 'z', 'y')],
    tensors: [random('w', [3, 4]), random('c', [1])],
    ...smooth,
  }),
  'Gemm of weights times x, both transposed': () => ({
    x: [4],
    nodes: [op('Gemm', 'w x c', 'z', { transA: int(1), transB: int(1) }), op('Transpose', 'z', 'y')],
    tensors: [random('w', [4, 3]), random('c', [1])],
    ...smooth,
  }),
  'MatMul by weights': () => ({ x: [4], nodes: [op('MatMul', 'x w', 'y')], tensors: [random('w', [4, 3])], ...smooth }),
  'MatMul of tokens by weights': () => ({
    x: [5, 4],
    nodes: [op('MatMul', 'x w', 'y')],
    tensors: [random('w', [4, 3])],
    ...smooth,
  }),
  'MatMul by a batch of weights': () => ({
    x: [2, 5, 4],
    nodes: [op('MatMul', 'x w', 'y')],
    tensors: [random('w', [2, 4, 3])],
    ...smooth,
  }),
  'MatMul of weights by x': () => ({
    x: [4, 5],
    nodes: [op('MatMul', 'w x', 'y')],
    tensors: [random('w', [3, 4])],
    ...smooth,
  }),
  'MatMul of x with itself': () => ({
    x: [2, 4, 5],
    nodes: [op('Transpose', 'x', 't', { perm: ints(0, 1, 3, 2) }), op('MatMul', 'x t', 'y')],
    ...smooth,
  }),
  'a pooled head, no activation between': () => ({
    x: [3, 5, 4],
    nodes: [op('Conv', 'x w', 'c'), op('GlobalAveragePool', 'c', 'p'), op('Flatten', 'p', 'y')],
    tensors: [randomTensor('w', [6, 3, 1, 1])],
    step: 1,
  }),
  'a pooled mean over channels last': (opset) => {
    const mean = withAxes(opset, 18, 'ReduceMean', [1, 2], { keepdims: int(0) })
    const [node] = mean.nodes
    const nodes = [
      op('Transpose', 'x', 't', { perm: ints(0, 2, 3, 1) }),
      op('ReduceMean', opset < 18 ? 't' : 't axes', 'y'),
    ]
    if (node !== undefined && nodes[1] !== undefined) nodes[1].attribute = node.attribute
    return { x: [3, 5, 4], nodes, ...(mean.tensors ? { tensors: mean.tensors } : {}), step: 1 }
  },
}

describe.each([7, 9, 11, 13, 17, 21, 26])('opset %i', (opset) => {
  it.each(Object.entries(CASES))('%s', async (_name, form) => {
    const test = form(opset)
    expect(await gradientError({ opset, ...test })).toBeLessThan(test.type === DOUBLE ? 1e-6 : 1e-4)
  })
})

it('a reduction over the batch is refused', async () => {
  const nodes = [op('ReduceMean', 'x', 'm', { axes: ints(0) }), op('Add', 'x m', 'y')]
  await expect(gradientModel({ x: [3], nodes, opset: 13 })).rejects.toThrow(/mixes the images/)
})
