import { type NodeProto, TensorProto_DataType } from 'onnx-buf'
import type { Graph } from './graph.ts'
import { intAttribute, intsAttribute, tensorAttribute } from './messages.ts'
import { isDefaultDomain } from './operators.ts'
import { simpleShapes } from './simple-shapes.ts'
import { fromFront, sliceAxes, slicedPlaces } from './slices.ts'
import {
  broadcastLengths,
  broadcastPlace,
  combine,
  fromProto,
  list,
  pick,
  places,
  type SmallTensor,
  size,
  stored,
} from './small-tensor.ts'

/** Computed tensors whose numbers are known. */
export type Constants = ReadonlyMap<string, SmallTensor>

/** A node's output from its inputs, of which absent ones are undefined. */
type Fold = (inputs: readonly (SmallTensor | undefined)[], node: NodeProto) => SmallTensor | undefined

/**
 * The arithmetic on small tensors that follows from constants and known shapes: Shape, Gather, Concat and the like,
 * as exporters write them before a Reshape, Resize or Pad. ONNX Runtime's own inference follows these chains only
 * while no -1 is among the numbers.
 */
export function foldConstants(graph: Graph, shapeOf: (name: string) => readonly number[] | undefined): Constants {
  const folded = new Map<string, SmallTensor>()
  const given = new Map<string, SmallTensor | undefined>()
  const shapes = new Map<string, readonly number[]>()
  const constant = (name: string): SmallTensor | undefined => {
    const tensor = graph.initializers.get(name)
    if (tensor === undefined) return folded.get(name)
    if (!given.has(name)) given.set(name, fromProto(tensor))
    return given.get(name)
  }
  const shape = (name: string): readonly number[] | undefined =>
    shapeOf(name) ?? shapes.get(name) ?? folded.get(name)?.dims
  for (const node of graph.nodes) {
    if (!isDefaultDomain(node.domain)) continue
    const value = node.output.length === 1 ? foldNode(node, constant, shape) : undefined
    if (value !== undefined) {
      folded.set(node.output[0] ?? '', value)
      continue
    }
    const known = {
      shape: (index: number) => shape(node.input[index] ?? ''),
      values: (index: number) => constant(node.input[index] ?? '')?.values,
    }
    simpleShapes(node, known)?.forEach((dims, i) => {
      shapes.set(node.output[i] ?? '', dims)
    })
  }
  return folded
}

function foldNode(
  node: NodeProto,
  constant: (name: string) => SmallTensor | undefined,
  shapeOf: (name: string) => readonly number[] | undefined,
): SmallTensor | undefined {
  const ofShape = OF_SHAPE[node.opType]
  if (ofShape !== undefined) {
    const shape = shapeOf(node.input[0] ?? '')
    return shape === undefined ? undefined : ofShape(shape, node)
  }
  const fold = FOLDS[node.opType]
  if (fold === undefined || node.input.length === 0) return undefined
  const inputs = node.input.map((name) => (name === '' ? undefined : constant(name)))
  const isKnown = node.input.every((name, i) => name === '' || inputs[i] !== undefined)
  return isKnown ? fold(inputs, node) : undefined
}

const OF_SHAPE: Readonly<Record<string, (shape: readonly number[], node: NodeProto) => SmallTensor>> = {
  Shape: (shape, node) => list(shape.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', shape.length))),
  Size: (shape) => ({ type: TensorProto_DataType.INT64, dims: [], values: [size(shape)] }),
}

const cast: Fold = ([x], node) => {
  const type = intAttribute(node, 'to')
  if (x === undefined || type === undefined) return undefined
  const isWhole = type === TensorProto_DataType.INT64 || type === TensorProto_DataType.INT32
  return stored(type, x.dims, isWhole ? x.values.map(Math.trunc) : x.values)
}

const gather: Fold = ([x, indices], node) => {
  if (x === undefined || indices === undefined) return undefined
  const axis = fromFront(intAttribute(node, 'axis', 0), x.dims.length)
  const length = x.dims[axis] ?? 0
  const chosen = indices.values.map((index) => fromFront(index, length))
  if (chosen.some((index) => index < 0 || index >= length)) return undefined
  const flat = pick(x, x.dims.with(axis, chosen.length), (place) => place.with(axis, chosen[place[axis] ?? 0] ?? 0))
  return flat && { ...flat, dims: [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)] }
}

const concat: Fold = (inputs, node) => {
  const parts = inputs.filter((part) => part !== undefined)
  const [first] = parts
  if (first === undefined) return undefined
  const axis = fromFront(intAttribute(node, 'axis', 0), first.dims.length)
  const outer = size(first.dims.slice(0, axis))
  const values = Array.from({ length: outer }, (_, row) =>
    parts.flatMap((part) => {
      const run = part.values.length / outer
      return part.values.slice(row * run, (row + 1) * run)
    }),
  ).flat()
  return { type: first.type, dims: first.dims.with(axis, sum(parts.map((part) => part.dims[axis] ?? 0))), values }
}

const slice: Fold = ([x, ...bounds], node) => {
  const axes = sliceAxes(node, (index) => bounds[index - 1]?.values)
  return axes?.reduce<SmallTensor | undefined>((tensor, { axis: given, ...taken }) => {
    if (tensor === undefined) return undefined
    const axis = fromFront(given, tensor.dims.length)
    const from = slicedPlaces(tensor.dims[axis] ?? 0, taken)
    return pick(tensor, tensor.dims.with(axis, from.length), (place) => place.with(axis, from[place[axis] ?? 0] ?? 0))
  }, x)
}

const transpose: Fold = ([x], node) => {
  if (x === undefined) return undefined
  const perm = intsAttribute(node, 'perm') ?? x.dims.map((_, i) => x.dims.length - 1 - i)
  const dims = perm.map((axis) => x.dims[axis] ?? 1)
  return pick(x, dims, (place) => perm.map((_, axis) => place[perm.indexOf(axis)] ?? 0))
}

const reshape: Fold = ([x, shape], node) => {
  if (x === undefined || shape === undefined) return undefined
  const keepsZeros = intAttribute(node, 'allowzero', 0) !== 0
  const dims = shape.values.map((length, i) => (length === 0 && !keepsZeros ? (x.dims[i] ?? 0) : length))
  const rest = x.values.length / size(dims.filter((length) => length >= 0))
  return { ...x, dims: dims.map((length) => (length < 0 ? rest : length)) }
}

/** The axes of a node that gives them as an attribute or, in newer operator sets, as its second input. */
function axesOf(node: NodeProto, second: SmallTensor | undefined, rank: number): readonly number[] | undefined {
  return (intsAttribute(node, 'axes') ?? second?.values)?.map((axis) => fromFront(axis, rank))
}

const squeeze: Fold = ([x, second], node) => {
  if (x === undefined) return undefined
  const axes = axesOf(node, second, x.dims.length)
  return { ...x, dims: x.dims.filter((length, i) => (axes === undefined ? length !== 1 : !axes.includes(i))) }
}

const unsqueeze: Fold = ([x, second], node) => {
  const added = intsAttribute(node, 'axes')?.length ?? second?.values.length ?? 0
  if (x === undefined) return undefined
  const rank = x.dims.length + added
  const axes = axesOf(node, second, rank) ?? []
  const left = [...x.dims]
  return { ...x, dims: Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (left.shift() ?? 1))) }
}

const expand: Fold = ([x, shape]) =>
  x && shape && pick(x, broadcastLengths(x.dims, shape.values), (place) => broadcastPlace(x.dims, place))

const tile: Fold = ([x, repeats]) => {
  const dims = x?.dims.map((length, i) => length * (repeats?.values[i] ?? 1))
  return x && dims && pick(x, dims, (place) => place.map((p, i) => p % (x.dims[i] ?? 1)))
}

const constantOfShape: Fold = ([shape], node) => {
  const attribute = tensorAttribute(node, 'value')
  const fill = attribute === undefined ? list([0], TensorProto_DataType.FLOAT) : fromProto(attribute)
  return shape && fill && pick({ ...fill, dims: [] }, shape.values, () => [])
}

const range: Fold = ([start, limit, delta]) => {
  const [first = 0, end = 0, step = 1] = [start, limit, delta].map((input) => input?.values[0])
  if (start === undefined || step === 0) return undefined
  const count = Math.max(Math.ceil((end - first) / step), 0)
  return stored(
    start.type,
    [count],
    places([count]).map(([i = 0]) => first + i * step),
  )
}

function reduction(combineAll: (values: readonly number[]) => number): Fold {
  return ([x, second], node) => {
    if (x === undefined) return undefined
    const given = axesOf(node, second, x.dims.length) ?? []
    const isNothing = given.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) !== 0
    const axes = given.length > 0 || isNothing ? given : x.dims.map((_, i) => i)
    const kept = x.dims.map((length, i) => (axes.includes(i) ? 1 : length))
    const groups = places(kept).map((): number[] => [])
    const strides = kept.map((_, i) => size(kept.slice(i + 1)))
    places(x.dims).forEach((place, i) => {
      const group = sum(place.map((p, axis) => (axes.includes(axis) ? 0 : p * (strides[axis] ?? 1))))
      groups[group]?.push(x.values[i] ?? Number.NaN)
    })
    const dims = intAttribute(node, 'keepdims', 1) !== 0 ? kept : kept.filter((_, i) => !axes.includes(i))
    return stored(x.type, dims, groups.map(combineAll))
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

/** Element by element, in the type of the first input. */
function arithmetic(compute: (...values: readonly number[]) => number): Fold {
  return (inputs) => elementwise(inputs, inputs[0]?.type, compute)
}

function comparison(holds: (a: number, b: number) => boolean): Fold {
  return (inputs) => elementwise(inputs, TensorProto_DataType.BOOL, (a = 0, b = 0) => Number(holds(a, b)))
}

function elementwise(
  inputs: readonly (SmallTensor | undefined)[],
  type: TensorProto_DataType | undefined,
  compute: (...values: readonly number[]) => number,
): SmallTensor | undefined {
  const known = inputs.filter((input) => input !== undefined)
  return type === undefined || known.length === 0 ? undefined : combine(known, type, compute)
}

const divide: Fold = (inputs) => {
  const type = inputs[0]?.type
  const isFloat = type === TensorProto_DataType.FLOAT || type === TensorProto_DataType.DOUBLE
  return elementwise(inputs, type, (a = 0, b = 0) => (isFloat ? a / b : Math.trunc(a / b)))
}

/** The sign follows the divisor, or with `fmod` the dividend. */
const modulo: Fold = (inputs, node) => {
  const isC = intAttribute(node, 'fmod', 0) !== 0
  return elementwise(inputs, inputs[0]?.type, (a = 0, b = 1) => (isC ? a % b : a - b * Math.floor(a / b)))
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}

const where: Fold = (inputs) => elementwise(inputs, inputs[1]?.type, (condition, a = 0, b = 0) => (condition ? a : b))

const identity: Fold = ([x]) => x

const FOLDS: Readonly<Record<string, Fold>> = {
  Abs: arithmetic((a = 0) => Math.abs(a)),
  Add: arithmetic((a = 0, b = 0) => a + b),
  And: comparison((a, b) => a !== 0 && b !== 0),
  Cast: cast,
  Ceil: arithmetic((a = 0) => Math.ceil(a)),
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Div: divide,
  Equal: comparison((a, b) => a === b),
  Expand: expand,
  Floor: arithmetic((a = 0) => Math.floor(a)),
  Gather: gather,
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Identity: identity,
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Max: arithmetic(Math.max),
  Min: arithmetic(Math.min),
  Mod: modulo,
  Mul: arithmetic((a = 0, b = 0) => a * b),
  Neg: arithmetic((a = 0) => -a),
  Not: arithmetic((a = 0) => 1 - a),
  Or: comparison((a, b) => a !== 0 || b !== 0),
  Pow: arithmetic((a = 0, b = 0) => a ** b),
  Range: range,
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceMin: reduction((values) => Math.min(...values)),
  ReduceProd: reduction((values) => values.reduce((a, b) => a * b, 1)),
  ReduceSum: reduction(sum),
  Reshape: reshape,
  Round: arithmetic((a = 0) => roundHalfToEven(a)),
  Slice: slice,
  Sqrt: arithmetic((a = 0) => Math.sqrt(a)),
  Squeeze: squeeze,
  Sub: arithmetic((a = 0, b = 0) => a - b),
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Where: where,
}
