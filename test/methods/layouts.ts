import { int64Tensor } from '../../src/onnx/tensors.ts'
import { int, ints, type ModelSpec, op, randomTensor, shapeTensor } from '../onnx/models.ts'

/** Classes of the models below. */
export const K = 5
const trunk = [op('Conv', 'x k', 'c', { strides: ints(2, 3) }), op('Relu', 'c', 'a')]
const kernel = randomTensor('k', [6, 3, 3, 3])

/** Models whose target layer `a` has 6 channels, by how their heads read it. */
export const MODELS: Readonly<Record<string, ModelSpec>> = {
  'a pooled linear head': {
    input: { dims: ['n', 3, 13, 16] },
    nodes: [
      ...trunk,
      op('GlobalAveragePool', 'a', 'p'),
      op('Flatten', 'p', 'f'),
      op('Gemm', 'f w', 'z', { transB: int(1) }),
    ],
    tensors: [kernel, randomTensor('w', [K, 6])],
  },
  'a head of two linear layers over every cell': {
    input: { dims: ['n', 3, 13, 16] },
    nodes: [
      ...trunk,
      op('Flatten', 'a', 'f'),
      op('Gemm', 'f v', 'h', { transB: int(1) }),
      op('Relu', 'h', 'r'),
      op('Gemm', 'r w', 'z', { transB: int(1) }),
    ],
    tensors: [kernel, randomTensor('v', [7, 180]), randomTensor('w', [K, 7])],
  },
  'channels last': {
    input: { dims: ['n', 3, 13, 16] },
    nodes: [
      op('Conv', 'x k', 'c', { strides: ints(2, 3) }),
      op('Relu', 'c', 't'),
      op('Transpose', 't', 'a', { perm: ints(0, 2, 3, 1) }),
      op('Flatten', 'a', 'f'),
      op('Gemm', 'f v', 'h', { transB: int(1) }),
      op('Relu', 'h', 'r'),
      op('Gemm', 'r w', 'z', { transB: int(1) }),
    ],
    tensors: [kernel, randomTensor('v', [7, 180]), randomTensor('w', [K, 7])],
  },
  'tokens behind a class token': {
    input: { dims: ['n', 3, 12, 16] },
    nodes: [
      op('Conv', 'x patch', 'e', { strides: ints(4, 4) }),
      op('Reshape', 'e shape', 'g'),
      op('Transpose', 'g', 't', { perm: ints(0, 2, 1) }),
      op('Add', 't position', 'u'),
      op('ReduceMean', 'u', 'mean', { axes: ints(1), keepdims: int(1) }),
      op('Concat', 'mean u', 'a', { axis: int(1) }),
      op('MatMul', 'a query', 'q'),
      op('MatMul', 'a key', 'l'),
      op('Transpose', 'l', 'lt', { perm: ints(0, 2, 1) }),
      op('MatMul', 'q lt', 's'),
      op('Softmax', 's', 'share', { axis: int(-1) }),
      op('MatMul', 'share a', 'mixed'),
      op('Add', 'mixed a', 'out'),
      op('Gather', 'out zero', 'token', { axis: int(1) }),
      op('Gemm', 'token w', 'z', { transB: int(1) }),
    ],
    tensors: [
      randomTensor('patch', [6, 3, 4, 4]),
      shapeTensor('shape', 0, 6, 12),
      randomTensor('position', [1, 12, 6]),
      randomTensor('query', [6, 6]),
      randomTensor('key', [6, 6]),
      int64Tensor('zero', [0], []),
      randomTensor('w', [K, 6]),
    ],
  },
}
