import type { NodeProto } from 'onnx-buf'
import { intsAttribute } from './messages.ts'

/** One axis of a Slice; axis, start and end may count from the end. */
interface AxisSlice {
  readonly axis: number
  readonly start: number
  readonly end: number
  readonly step: number
}

/**
 * What a Slice takes, axis by axis: from its attributes (before operator set 10) or its inputs, which `constant`
 * knows by index. Undefined where they are computed.
 */
export function sliceAxes(
  node: NodeProto,
  constant: (index: number) => readonly number[] | undefined,
): readonly AxisSlice[] | undefined {
  const given = (name: string, index: number): readonly number[] | undefined =>
    intsAttribute(node, name) ?? constant(index)
  const isGiven = (index: number): boolean => (node.input[index] ?? '') !== ''
  const [starts, ends] = [given('starts', 1), given('ends', 2)]
  const [axes, steps] = [given('axes', 3), constant(4)]
  const isComputed = (isGiven(3) && axes === undefined) || (isGiven(4) && steps === undefined)
  if (starts === undefined || ends === undefined || isComputed) return undefined
  return starts.map((start, i) => ({ axis: axes?.[i] ?? i, start, end: ends[i] ?? 0, step: steps?.[i] ?? 1 }))
}

/** The places that a slice takes along an axis of `length`, in order. */
export function slicedPlaces(length: number, { start, end, step }: Omit<AxisSlice, 'axis'>): readonly number[] {
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1]
  const clamp = (place: number): number => Math.min(Math.max(place < 0 ? place + length : place, low), high)
  const [first, last] = [clamp(start), clamp(end)]
  const count = Math.max(Math.ceil((last - first) / step), 0)
  return Array.from({ length: count }, (_, i) => first + i * step)
}

/** An axis counted from the front. */
export function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}
