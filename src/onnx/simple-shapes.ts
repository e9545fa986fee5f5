import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute, stringAttribute } from './messages.ts'
import { fromFront, sliceAxes, slicedPlaces } from './slices.ts'
import { broadcastLengths, size } from './small-tensor.ts'

type Shape = readonly number[]

/** What a node's inputs are known to be. */
interface Known {
  readonly shape: (index: number) => Shape | undefined
  readonly values: (index: number) => readonly number[] | undefined
}

type Infer = (node: NodeProto, known: Known, first: Shape) => readonly Shape[] | undefined

/**
 * The shapes of a node's outputs where they follow simply from its inputs; undefined elsewhere. Not a second shape
 * inference: it only carries shapes from one piece of shape arithmetic to the next, so that ONNX Runtime, which has
 * the last word, need not be asked once for each.
 */
export function simpleShapes(node: NodeProto, known: Known): readonly Shape[] | undefined {
  const first = known.shape(0)
  return first === undefined ? undefined : INFER[node.opType]?.(node, known, first)
}

const same: Infer = (_node, _known, first) => [first]

const broadcast: Infer = (node, known) => {
  const shapes = node.input.map((_, i) => known.shape(i))
  return shapes.every((shape) => shape !== undefined) ? [shapes.reduce(broadcastLengths)] : undefined
}

const reshape: Infer = (node, known, first) => {
  const target = known.values(1)
  if (target === undefined || intAttribute(node, 'allowzero', 0) !== 0) return undefined
  const lengths = target.map((length, i) => (length === 0 ? (first[i] ?? 0) : length))
  const rest = size(first) / size(lengths.filter((length) => length >= 0))
  return Number.isInteger(rest) ? [lengths.map((length) => (length < 0 ? rest : length))] : undefined
}

const transpose: Infer = (node, _known, first) => {
  const perm = intsAttribute(node, 'perm') ?? first.map((_, i) => first.length - 1 - i)
  return [perm.map((axis) => first[axis] ?? 1)]
}

const concat: Infer = (node, known, first) => {
  const axis = fromFront(intAttribute(node, 'axis', 1), first.length)
  const lengths = node.input.map((_, i) => known.shape(i)?.[axis])
  if (!lengths.every((length) => length !== undefined)) return undefined
  return [
    first.with(
      axis,
      lengths.reduce((a, b) => a + b, 0),
    ),
  ]
}

const split: Infer = (node, known, first) => {
  const axis = fromFront(intAttribute(node, 'axis', 0), first.length)
  const length = first[axis] ?? 0
  const isGiven = (node.input[1] ?? '') !== ''
  const part = Math.ceil(length / node.output.length)
  const sizes = isGiven
    ? known.values(1)
    : (intsAttribute(node, 'split') ?? node.output.map((_, i) => Math.min(part, length - i * part)))
  return sizes?.map((taken) => first.with(axis, taken))
}

const slice: Infer = (node, known, first) => {
  const axes = sliceAxes(node, known.values)
  const shape = axes?.reduce<Shape>((lengths, { axis: given, ...taken }) => {
    const axis = fromFront(given, lengths.length)
    return lengths.with(axis, slicedPlaces(lengths[axis] ?? 0, taken).length)
  }, first)
  return shape && [shape]
}

/** Conv, MaxPool, AveragePool with pads that are given. */
function windows(kernelOf: (node: NodeProto, known: Known) => Shape | undefined): Infer {
  return (node, known, first) => {
    const kernel = kernelOf(node, known)
    const isPlain = stringAttribute(node, 'auto_pad', 'NOTSET') === 'NOTSET' && intAttribute(node, 'ceil_mode', 0) === 0
    if (kernel === undefined || !isPlain) return undefined
    const given = (name: string): Shape => intsAttribute(node, name) ?? []
    const [strides, dilations, pads] = [given('strides'), given('dilations'), given('pads')]
    const spatial = kernel.map((length, i) => {
      const reach = (dilations[i] ?? 1) * (length - 1) + 1
      const room = (first[i + 2] ?? 0) + (pads[i] ?? 0) + (pads[i + kernel.length] ?? 0) - reach
      return Math.floor(room / (strides[i] ?? 1)) + 1
    })
    const channels = node.opType === 'Conv' ? known.shape(1)?.[0] : first[1]
    return channels === undefined ? undefined : [[first[0] ?? 1, channels, ...spatial]]
  }
}

const pool = windows((node) => intsAttribute(node, 'kernel_shape'))

const globalPool: Infer = (_node, _known, first) => [first.map((length, i) => (i < 2 ? length : 1))]

const matMul: Infer = (_node, known, first) => {
  const second = known.shape(1)
  if (second === undefined || first.length < 2 || second.length < 2) return undefined
  const batch = broadcastLengths(first.slice(0, -2), second.slice(0, -2))
  return [[...batch, first.at(-2) ?? 1, second.at(-1) ?? 1]]
}

const SAME =
  `BatchNormalization Cast Clip Dropout Elu Erf Gelu HardSigmoid HardSwish Identity LayerNormalization LeakyRelu
  Neg PRelu Relu Sigmoid Softmax Sqrt Tanh`.split(/\s+/)

const BROADCAST = ['Add', 'Div', 'Max', 'Min', 'Mul', 'Pow', 'Sub', 'Sum', 'Where']

const INFER: Readonly<Record<string, Infer>> = {
  ...Object.fromEntries(SAME.map((opType) => [opType, same])),
  ...Object.fromEntries(BROADCAST.map((opType) => [opType, broadcast])),
  AveragePool: pool,
  Concat: concat,
  Conv: windows((_node, known) => known.shape(1)?.slice(2)),
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  MatMul: matMul,
  MaxPool: pool,
  Reshape: reshape,
  Slice: slice,
  Split: split,
  Transpose: transpose,
}
