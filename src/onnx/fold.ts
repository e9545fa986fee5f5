import { type NodeProto, TensorProto_DataType } from 'onnx-buf'
import type { Graph } from './graph.ts'
import { intAttribute, intsAttribute } from './messages.ts'
import { tensorDims, tensorValues } from './tensors.ts'

/** Whole numbers that shape arithmetic passes around: a scalar (`dims` empty) or a list. */
export interface Integers {
  readonly values: readonly number[]
  readonly dims: readonly number[]
}

type Lookup = (index: number) => Integers | undefined

/**
 * The shape arithmetic that follows from known shapes: Shape, Gather, Concat and the like, as exporters write them
 * before a Reshape. ONNX Runtime's own inference follows these chains only while no -1 is among the numbers.
 */
export function foldIntegers(
  graph: Graph,
  shapeOf: (name: string) => readonly number[] | undefined,
): ReadonlyMap<string, Integers> {
  const folded = new Map<string, Integers>()
  for (const node of graph.nodes) {
    const lookup: Lookup = (index) => {
      const name = node.input[index] ?? ''
      return folded.get(name) ?? constantIntegers(graph, name)
    }
    const value = foldNode(node, lookup, shapeOf(node.input[0] ?? ''))
    if (value !== undefined) folded.set(node.output[0] ?? '', value)
  }
  return folded
}

function constantIntegers(graph: Graph, name: string): Integers | undefined {
  const tensor = graph.initializers.get(name)
  if (tensor?.dataType !== TensorProto_DataType.INT64 || tensor.dims.length > 1) return undefined
  const values = tensorValues(tensor)
  return values === undefined ? undefined : { values, dims: tensorDims(tensor) }
}

function foldNode(node: NodeProto, lookup: Lookup, shape: readonly number[] | undefined): Integers | undefined {
  if (node.opType === 'Shape') return shape === undefined ? undefined : foldShape(node, shape)
  const first = lookup(0)
  if (first === undefined) return undefined
  switch (node.opType) {
    case 'Identity':
      return first
    case 'Cast':
      return intAttribute(node, 'to') === TensorProto_DataType.INT64 ? first : undefined
    case 'Gather':
      return foldGather(first, lookup(1))
    case 'Unsqueeze':
      return first.dims.length === 0 ? list(first.values) : undefined
    case 'Squeeze':
      return first.values.length === 1 ? { values: first.values, dims: [] } : undefined
    case 'Concat':
      return foldConcat(node, lookup)
    case 'Slice':
      return foldSlice(node, first, lookup)
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div':
      return foldArithmetic(node.opType, first, lookup(1))
    default:
      return undefined
  }
}

function list(values: readonly number[]): Integers {
  return { values, dims: [values.length] }
}

function foldShape(node: NodeProto, shape: readonly number[]): Integers {
  return list(shape.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', shape.length)))
}

function foldGather(data: Integers, indices: Integers | undefined): Integers | undefined {
  if (indices === undefined) return undefined
  const values = indices.values.map((index) => data.values.at(index))
  return values.every((value) => value !== undefined) ? { values, dims: indices.dims } : undefined
}

function foldConcat(node: NodeProto, lookup: Lookup): Integers | undefined {
  const parts = node.input.map((_, i) => lookup(i))
  return parts.every((part) => part !== undefined) ? list(parts.flatMap(({ values }) => values)) : undefined
}

function foldSlice(node: NodeProto, data: Integers, lookup: Lookup): Integers | undefined {
  const start = intsAttribute(node, 'starts') ?? lookup(1)?.values
  const end = intsAttribute(node, 'ends') ?? lookup(2)?.values
  const step = (node.input[4] ?? '') === '' ? [1] : lookup(4)?.values
  return start === undefined || end === undefined || step?.[0] !== 1
    ? undefined
    : list(data.values.slice(start[0], end[0]))
}

const ARITHMETIC = {
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Div: (a: number, b: number) => Math.trunc(a / b),
} as const

function foldArithmetic(opType: keyof typeof ARITHMETIC, a: Integers, b: Integers | undefined): Integers | undefined {
  if (b === undefined) return undefined
  const [long, length] = a.values.length >= b.values.length ? [a, a.values.length] : [b, b.values.length]
  const at = (side: Integers, i: number): number => side.values[side.values.length === 1 ? 0 : i] ?? Number.NaN
  const values = Array.from({ length }, (_, i) => ARITHMETIC[opType](at(a, i), at(b, i)))
  return values.every(Number.isSafeInteger) ? { values, dims: long.dims.length === 0 ? b.dims : long.dims } : undefined
}
