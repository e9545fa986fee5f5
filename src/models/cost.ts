import { type GraphProto, type NodeProto, TensorProto_DataType } from 'onnx-buf'
import { intAttribute } from '../onnx/messages.ts'
import type { Dims, Shapes } from '../onnx/shapes.ts'
import { tensorDims } from '../onnx/tensors.ts'

const WEIGHT_TYPES: ReadonlySet<number> = new Set([
  TensorProto_DataType.FLOAT,
  TensorProto_DataType.DOUBLE,
  TensorProto_DataType.FLOAT16,
  TensorProto_DataType.BFLOAT16,
  TensorProto_DataType.INT8,
  TensorProto_DataType.UINT8,
])

/** Weights of the graph: elements of its constant tensors, without shapes, indices and single numbers. */
export function countParameters(graph: GraphProto): number {
  return graph.initializer
    .filter((tensor) => WEIGHT_TYPES.has(tensor.dataType) && tensor.dims.length > 0)
    .reduce((sum, tensor) => sum + product(tensorDims(tensor)), 0)
}

/**
 * Multiply-adds of one image through convolutions and matrix products; what else a classifier does is small beside
 * these. Undefined where the shape of one of them is not known.
 */
export function countMultiplyAdds(nodes: readonly NodeProto[], shapes: Shapes): number | undefined {
  let sum = 0
  for (const node of nodes) {
    const count = multiplyAdds(node, (name) => shapes.get(name)?.dims.map(ofOneImage))
    if (count === undefined) return undefined
    sum += count
  }
  return sum
}

function multiplyAdds(node: NodeProto, dimsOf: (name: string) => readonly number[] | undefined): number | undefined {
  const input = (i: number) => dimsOf(node.input[i] ?? '')
  const output = dimsOf(node.output[0] ?? '')
  const times = (elements: readonly number[] | undefined, each: number | undefined) =>
    elements === undefined || each === undefined ? undefined : product(elements) * each
  const kernel = (dims: readonly number[] | undefined) => (dims === undefined ? undefined : product(dims.slice(1)))
  switch (node.opType) {
    // Weights: M x C/group x kernel; every output element sums over all but M.
    case 'Conv':
    case 'ConvInteger':
      return times(output, kernel(input(1)))
    case 'QLinearConv':
      return times(output, kernel(input(3)))
    // Weights: C x M/group x kernel; every input element goes into all but C.
    case 'ConvTranspose':
      return times(input(0), kernel(input(1)))
    case 'Gemm':
      return times(output, input(1)?.[intAttribute(node, 'transB', 0) === 1 ? 1 : 0])
    case 'MatMul':
    case 'MatMulInteger':
    case 'QLinearMatMul':
      return times(output, input(0)?.at(-1))
    default:
      return 0
  }
}

function ofOneImage(dim: Dims[number]): number {
  return typeof dim === 'number' ? dim : dim.batch
}

function product(values: readonly number[]): number {
  return values.reduce((a, b) => a * b, 1)
}
