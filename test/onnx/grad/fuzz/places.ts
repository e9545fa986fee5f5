import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute, stringAttribute } from '../../../../src/onnx/messages.ts'
import { at, broadcastAt, broadcastDims, build, count, type Doubles } from './arrays.ts'

type Operator = (node: NodeProto, inputs: readonly Doubles[]) => readonly Doubles[]

const list = (input: Doubles | undefined): readonly number[] | undefined => input && Array.from(input.data)
const replaced = (values: readonly number[], axis: number, value: number): readonly number[] =>
  values.map((old, i) => (i === axis ? value : old))
const axisOf = (node: NodeProto, x: Doubles, fallback: number): number =>
  (intAttribute(node, 'axis', fallback) + x.dims.length) % x.dims.length

/** The same numbers in another shape. */
const view = (x: Doubles, dims: readonly number[]): readonly Doubles[] => [{ dims, data: x.data }]

/** An array whose entries are those of `x` at other places. */
const moved = (
  x: Doubles,
  dims: readonly number[],
  from: (index: readonly number[]) => readonly number[],
): readonly Doubles[] => [build(dims, (index) => at(x, from(index)))]

const concat: Operator = (node, inputs) => {
  const [first] = inputs
  if (first === undefined) return []
  const axis = axisOf(node, first, 1)
  const total = inputs.reduce((sum, { dims }) => sum + (dims[axis] ?? 0), 0)
  return [
    build(replaced(first.dims, axis, total), (index) => {
      let place = index[axis] ?? 0
      for (const input of inputs) {
        const length = input.dims[axis] ?? 0
        if (place < length) return at(input, replaced(index, axis, place))
        place -= length
      }
      return Number.NaN
    }),
  ]
}

const split: Operator = (node, [x, parts]) => {
  if (x === undefined) return []
  const axis = axisOf(node, x, 0)
  const outputs = node.output.length
  const equal = Math.ceil((x.dims[axis] ?? 1) / outputs)
  let start = 0
  return node.output.flatMap((_, i) => {
    const rest = Math.min(equal, (x.dims[axis] ?? 1) - start)
    const length = (list(parts) ?? intsAttribute(node, 'split'))?.[i] ?? rest
    const from = start
    start += length
    return moved(x, replaced(x.dims, axis, length), (index) => replaced(index, axis, from + (index[axis] ?? 0)))
  })
}

/** A start or end as ONNX counts it: from behind where negative, cut to what exists. */
function bound(value: number, length: number, low: number, high: number): number {
  return Math.min(Math.max(value < 0 ? value + length : value, low), high)
}

const slice: Operator = (node, [x, startsInput, endsInput, axesInput, stepsInput]) => {
  if (x === undefined) return []
  const starts = intsAttribute(node, 'starts') ?? list(startsInput) ?? []
  const ends = intsAttribute(node, 'ends') ?? list(endsInput) ?? []
  const axes = intsAttribute(node, 'axes') ?? list(axesInput) ?? [...starts.keys()]
  const cuts = x.dims.map((length, axis) => {
    const i = axes.findIndex((given) => (given + x.dims.length) % x.dims.length === axis)
    if (i < 0) return { start: 0, step: 1, length }
    const step = list(stepsInput)?.[i] ?? 1
    const [low, high] = step > 0 ? [0, length] : [-1, length - 1]
    const start = bound(starts[i] ?? 0, length, Math.max(low, 0), high)
    const end = bound(ends[i] ?? length, length, low, step > 0 ? length : length - 1)
    return { start, step, length: Math.max(0, Math.ceil((end - start) / step)) }
  })
  const dims = cuts.map(({ length }) => length)
  return moved(x, dims, (index) => index.map((k, axis) => (cuts[axis]?.start ?? 0) + k * (cuts[axis]?.step ?? 1)))
}

/** The source of position `k` of an axis that was padded by `begin`; undefined where the constant stands. */
function padded(mode: string, k: number, length: number): number | undefined {
  if (k >= 0 && k < length) return k
  if (mode === 'edge') return Math.min(Math.max(k, 0), length - 1)
  if (mode === 'reflect') return k < 0 ? -k : 2 * (length - 1) - k
  return mode === 'wrap' ? (k + length) % length : undefined
}

const pad: Operator = (node, [x, padsInput, valueInput]) => {
  if (x === undefined) return []
  const pads = intsAttribute(node, 'pads') ?? list(padsInput) ?? []
  const rank = x.dims.length
  const mode = stringAttribute(node, 'mode', 'constant')
  const constant = valueInput?.data[0] ?? node.attribute.find(({ name }) => name === 'value')?.f ?? 0
  const dims = x.dims.map((length, axis) => length + (pads[axis] ?? 0) + (pads[axis + rank] ?? 0))
  return [
    build(dims, (index) => {
      const from = index.map((k, axis) => padded(mode, k - (pads[axis] ?? 0), x.dims[axis] ?? 1))
      return from.every((k) => k !== undefined) ? at(x, from) : constant
    }),
  ]
}

const reshape: Operator = (_, [x, shape]) => {
  if (x === undefined) return []
  const wanted = (list(shape) ?? []).map((length, axis) => (length === 0 ? (x.dims[axis] ?? 1) : length))
  const known = count(wanted.filter((length) => length !== -1))
  return view(
    x,
    wanted.map((length) => (length === -1 ? x.data.length / known : length)),
  )
}

const flatten: Operator = (node, [x]) => {
  if (x === undefined) return []
  const axis = intAttribute(node, 'axis', 1)
  return view(x, [count(x.dims.slice(0, axis)), count(x.dims.slice(axis))])
}

const squeeze: Operator = (node, [x, axesInput]) => {
  if (x === undefined) return []
  const axes = intsAttribute(node, 'axes') ?? list(axesInput)
  const isGone = (axis: number): boolean => axes?.includes(axis) ?? x.dims[axis] === 1
  return view(
    x,
    x.dims.filter((_, axis) => !isGone(axis)),
  )
}

const unsqueeze: Operator = (node, [x, axesInput]) => {
  if (x === undefined) return []
  const dims = [...x.dims]
  for (const axis of intsAttribute(node, 'axes') ?? list(axesInput) ?? []) dims.splice(axis, 0, 1)
  return view(x, dims)
}

const transpose: Operator = (node, [x]) => {
  if (x === undefined) return []
  const perm = intsAttribute(node, 'perm') ?? x.dims.map((_, i) => x.dims.length - 1 - i)
  return moved(
    x,
    perm.map((axis) => x.dims[axis] ?? 1),
    (index) => x.dims.map((_, axis) => index[perm.indexOf(axis)] ?? 0),
  )
}

const expand: Operator = (_, [x, shape]) =>
  x === undefined ? [] : [build(broadcastDims(x.dims, list(shape) ?? []), (index) => broadcastAt(x, index))]

const tile: Operator = (_, [x, repeats]) =>
  x === undefined
    ? []
    : moved(
        x,
        x.dims.map((length, axis) => length * (repeats?.data[axis] ?? 1)),
        (index) => index.map((k, axis) => k % (x.dims[axis] ?? 1)),
      )

const gather: Operator = (node, [x, indices]) => {
  if (x === undefined || indices === undefined) return []
  const axis = axisOf(node, x, 0)
  const length = x.dims[axis] ?? 1
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)]
  return moved(x, dims, (index) => {
    const within = index.slice(axis, axis + indices.dims.length)
    const k = (at(indices, within) + length) % length
    return [...index.slice(0, axis), k, ...index.slice(axis + indices.dims.length)]
  })
}

const depthToSpace: Operator = (node, [x]) => {
  if (x === undefined) return []
  const b = intAttribute(node, 'blocksize', 1)
  const [n = 1, channels = 1, height = 1, width = 1] = x.dims
  const c = channels / (b * b)
  const isColumnMajor = stringAttribute(node, 'mode', 'DCR') === 'CRD'
  return moved(x, [n, c, height * b, width * b], ([image = 0, channel = 0, i = 0, j = 0]) => {
    const block = (i % b) * b + (j % b)
    const from = isColumnMajor ? channel * b * b + block : block * c + channel
    return [image, from, Math.floor(i / b), Math.floor(j / b)]
  })
}

const spaceToDepth: Operator = (node, [x]) => {
  if (x === undefined) return []
  const b = intAttribute(node, 'blocksize', 1)
  const [n = 1, channels = 1, height = 1, width = 1] = x.dims
  return moved(x, [n, channels * b * b, height / b, width / b], ([image = 0, channel = 0, i = 0, j = 0]) => {
    const block = Math.floor(channel / channels)
    return [image, channel % channels, i * b + Math.floor(block / b), j * b + (block % b)]
  })
}

/** The entries of an axis, with their weights, that position `k` of the resized axis is made of. */
function sources(
  node: NodeProto,
  k: number,
  scale: number,
  from: number,
  to: number,
): readonly { readonly k: number; readonly weight: number }[] {
  const isUpsample = node.opType === 'Upsample' || !node.attribute.some(({ name }) => name.startsWith('coord'))
  const coordinates = stringAttribute(node, 'coordinate_transformation_mode', isUpsample ? 'asymmetric' : 'half_pixel')
  const place = {
    asymmetric: k / scale,
    half_pixel: (k + 0.5) / scale - 0.5,
    align_corners: to === 1 ? 0 : (k * (from - 1)) / (to - 1),
  }[coordinates]
  if (place === undefined) throw new Error(`no coordinates "${coordinates}"`)
  if (stringAttribute(node, 'mode', 'nearest') === 'nearest') return [{ k: Math.floor(place), weight: 1 }]
  const inside = Math.min(Math.max(place, 0), from - 1)
  const low = Math.floor(inside)
  return [
    { k: low, weight: 1 - (inside - low) },
    { k: Math.min(low + 1, from - 1), weight: inside - low },
  ]
}

/** `scales` is the last of the inputs in every operator set here. */
const resize: Operator = (node, inputs) => {
  const [x] = inputs
  const scales = inputs.at(-1)
  if (x === undefined || scales === undefined) return []
  const dims = x.dims.map((length, axis) => Math.floor(length * (scales.data[axis] ?? 1)))
  return [
    build(dims, (index) => {
      let taps: readonly { readonly from: readonly number[]; readonly weight: number }[] = [{ from: [], weight: 1 }]
      for (const [axis, k] of index.entries()) {
        const scale = scales.data[axis] ?? 1
        const along = scale === 1 ? [{ k, weight: 1 }] : sources(node, k, scale, x.dims[axis] ?? 1, dims[axis] ?? 1)
        taps = taps.flatMap((tap) =>
          along.map((source) => ({ from: [...tap.from, source.k], weight: tap.weight * source.weight })),
        )
      }
      return taps.reduce((sum, { from, weight }) => sum + weight * at(x, from), 0)
    }),
  ]
}

const PLACES: Readonly<Record<string, Operator>> = {
  Concat: concat,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Pad: pad,
  Reshape: reshape,
  Resize: resize,
  Slice: slice,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Upsample: resize,
}

/** Operators that move, join, cut and repeat entries; undefined for others. */
export function places(node: NodeProto, inputs: readonly Doubles[]): readonly Doubles[] | undefined {
  return PLACES[node.opType]?.(node, inputs)
}
