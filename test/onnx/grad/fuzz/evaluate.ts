import type { NodeProto, TensorProto } from 'onnx-buf'
import { tensorDims, tensorValues } from '../../../../src/onnx/tensors.ts'
import type { Doubles } from './arrays.ts'
import { places } from './places.ts'
import { pointwise } from './pointwise.ts'
import { sums } from './sums.ts'
import { windows } from './windows.ts'

/** A node's outputs by plain loops in double precision. Absent inputs are left out of `inputs`. */
export function evaluateNode(node: NodeProto, inputs: readonly Doubles[], opset: number): readonly Doubles[] {
  const several = places(node, inputs)
  if (several !== undefined) return several
  const one = pointwise(node, inputs) ?? windows(node, inputs) ?? sums(node, inputs, opset)
  if (one === undefined) throw new Error(`${node.opType} is not known to the oracle`)
  return [one]
}

export function constantDoubles(tensor: TensorProto): Doubles {
  const values = tensorValues(tensor)
  if (values === undefined) throw new Error(`the values of "${tensor.name}" are not inline`)
  return { dims: tensorDims(tensor), data: Float64Array.from(values) }
}

/** Every tensor of a graph, by name. */
export function evaluate(
  graph: { readonly nodes: readonly NodeProto[]; readonly tensors: readonly TensorProto[]; readonly opset: number },
  x: Doubles,
): ReadonlyMap<string, Doubles> {
  const known = new Map<string, Doubles>([['x', x]])
  for (const tensor of graph.tensors) known.set(tensor.name, constantDoubles(tensor))
  for (const node of graph.nodes) {
    const inputs = node.input.flatMap((name) => known.get(name) ?? [])
    for (const [i, output] of evaluateNode(node, inputs, graph.opset).entries()) known.set(node.output[i] ?? '', output)
  }
  return known
}
