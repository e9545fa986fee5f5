import { type Dim, type Dims, sameDim } from '../shapes.ts'
import type { Emitter } from './emitter.ts'

/**
 * The gradient of a target's logit with respect to a tensor, kept as small as it is known to be. `dims` has the
 * rank of that tensor; an axis of length 1 where the tensor is longer means equal along that axis. `factor` is
 * still to be multiplied in.
 *
 * `one-hot` is 1 at `target` (int64, one class per image) along `axis` and 0 elsewhere; its other axes but the
 * batch have length 1. A linear head turns it into rows of its weights.
 */
export type Gradient =
  | { readonly kind: 'tensor'; readonly name: string; readonly dims: Dims; readonly factor: number }
  | {
      readonly kind: 'one-hot'
      readonly target: string
      readonly axis: number
      readonly dims: Dims
      readonly factor: number
    }

export type TensorGradient = Extract<Gradient, { kind: 'tensor' }>
export type OneHotGradient = Extract<Gradient, { kind: 'one-hot' }>

export function tensorGradient(name: string, dims: Dims, factor = 1): TensorGradient {
  return { kind: 'tensor', name, dims, factor }
}

export function scale<G extends Gradient>(gradient: G, by: number): G {
  return { ...gradient, factor: gradient.factor * by }
}

/** The gradient of what does not change the logit, at a tensor of `rank` axes. */
export function zeroGradient(e: Emitter, rank: number): TensorGradient {
  const dims = new Array<number>(rank).fill(1)
  return tensorGradient(e.floats([0], dims), dims)
}

/** As a tensor; the factor stays to be multiplied in. */
export function asTensor(e: Emitter, gradient: Gradient): TensorGradient {
  if (gradient.kind === 'tensor') return gradient
  const { dims, axis, target, factor } = gradient
  const classes = dims[axis]
  if (typeof classes !== 'number') throw new RangeError('a one-hot axis has a fixed length')
  const alone = dims.map((dim, i) => (i === axis ? 1 : dim))
  const index = e.reshape(
    target,
    dims.filter((dim) => typeof dim !== 'number'),
    alone,
  )
  const range = dims.map((_, i) => (i === axis ? classes : 1))
  const hit = e.emit('Equal', [
    index,
    e.ints(
      Array.from({ length: classes }, (_, k) => k),
      range,
    ),
  ])
  return seedTensor(e, e.toFloat(hit), dims, factor)
}

/** A gradient as it becomes a tensor, `factor` still to be multiplied in: scaled up for the way. */
export function seedTensor(e: Emitter, name: string, dims: Dims, factor = 1): TensorGradient {
  if (e.lossScale === 1) return tensorGradient(name, dims, factor)
  return tensorGradient(e.emit('Mul', [name, e.scalar(e.lossScale)]), dims, factor / e.lossScale)
}

/** As a tensor with nothing left to multiply in; axes may still be short. */
export function settle(e: Emitter, gradient: Gradient): TensorGradient {
  return settleTo(e, gradient, 1)
}

/** As a tensor on its way, with nothing but the loss scale left to take back; axes may still be short. */
export function settleOnWay(e: Emitter, gradient: Gradient): TensorGradient {
  return settleTo(e, gradient, 1 / e.lossScale)
}

function settleTo(e: Emitter, gradient: Gradient, left: number): TensorGradient {
  const { name, dims, factor } = asTensor(e, gradient)
  return tensorGradient(factor === left ? name : e.emit('Mul', [name, e.scalar(factor / left)]), dims, left)
}

/** Constants of ones up to this size stretch a gradient in the same multiplication that settles its factor. */
const MAX_ONES = 65536

/** As a tensor of shape `full`; the loss scale, and a factor that no stretching took up, stay to be multiplied in. */
export function stretch(e: Emitter, gradient: Gradient, full: Dims): TensorGradient {
  const { name, dims, factor } = asTensor(e, gradient)
  const repeats = full.map((dim, i) => (sameDim(dim, dims[i] ?? 1) || typeof dim !== 'number' ? 1 : dim))
  const count = product(repeats)
  if (count === 1) return tensorGradient(name, full, factor)
  if (count > MAX_ONES) return tensorGradient(e.emit('Tile', [name, e.ints(repeats)]), full, factor)
  const left = 1 / e.lossScale
  const ones = e.floats(new Array<number>(count).fill(factor / left), repeats)
  return tensorGradient(e.emit('Mul', [name, ones]), full, left)
}

/** As a tensor of shape `full`, with nothing left to multiply in. */
export function expand(e: Emitter, gradient: Gradient, full: Dims): TensorGradient {
  return settle(e, stretch(e, gradient, full))
}

/** The gradient times a tensor of shape `dims`, broadcast; short axes stay short where both are. */
export function multiply(e: Emitter, gradient: Gradient, by: string, dims: Dims): TensorGradient {
  const { name, dims: own, factor } = asTensor(e, gradient)
  return tensorGradient(e.emit('Mul', [name, by]), broadcast(own, dims), factor)
}

/** The gradient divided by a tensor of shape `dims`, broadcast. */
export function divide(e: Emitter, gradient: Gradient, by: string, dims: Dims): TensorGradient {
  const { name, dims: own, factor } = asTensor(e, gradient)
  return tensorGradient(e.emit('Div', [name, by]), broadcast(own, dims), factor)
}

/** The sum of two gradients of one tensor. */
export function add(e: Emitter, a: Gradient, b: Gradient): TensorGradient {
  const [x, y] = [asTensor(e, a), asTensor(e, b)]
  const dims = broadcast(x.dims, y.dims)
  if (x.factor === y.factor) return tensorGradient(e.emit('Add', [x.name, y.name]), dims, x.factor)
  const [left, right] = [settleOnWay(e, x), settleOnWay(e, y)]
  return tensorGradient(e.emit('Add', [left.name, right.name]), dims, left.factor)
}

/** The gradient of a tensor of shape `to` that was broadcast to `full`: summed over the axes it was stretched along. */
export function sumTo(e: Emitter, gradient: Gradient, full: Dims, to: Dims): Gradient {
  const lead = full.length - to.length
  const target = [...new Array<Dim>(lead).fill(1), ...to]
  const stretched = full.flatMap((dim, i) => (sameDim(dim, target[i] ?? 1) ? [] : [i]))
  if (stretched.length === 0 && lead === 0) return gradient
  const tensor = asTensor(e, gradient)
  const short = stretched.filter((i) => tensor.dims[i] === 1)
  const long = stretched.filter((i) => tensor.dims[i] !== 1)
  const factor = tensor.factor * product(short.map((i) => fixedLength(full[i])))
  const name = long.length === 0 ? tensor.name : e.reduceSum(tensor.name, long)
  const dims = tensor.dims.map((dim, i) => (long.includes(i) ? 1 : dim))
  return tensorGradient(e.reshape(name, dims, dims.slice(lead)), dims.slice(lead), factor)
}

/**
 * The gradient of a tensor of shape `to` that was reshaped to `from`. Axes that only move, appear or vanish stay as
 * short as they are, and axes that were split or merged stay short together.
 */
export function unreshape(e: Emitter, gradient: Gradient, from: Dims, to: Dims): Gradient {
  const groups = axisGroups(from, to)
  const whole = [...gradient.dims]
  const dims = new Array<Dim>(to.length).fill(1)
  let axis = -1
  for (const group of groups) {
    const [before, after] = [longAxes(group.from, from), longAxes(group.to, to)]
    const [first = -1, second = -1] = [before[0], after[0]]
    if (before.length === 1 && after.length === 1) {
      dims[second] = gradient.dims[first] ?? 1
      if (gradient.kind === 'one-hot' && gradient.axis === first) axis = second
    } else if (before.some((i) => gradient.dims[i] !== 1)) {
      for (const i of before) whole[i] = from[i] ?? 1
      for (const i of after) dims[i] = to[i] ?? 1
    }
  }
  if (gradient.kind === 'one-hot' && axis >= 0) return { ...gradient, axis, dims }
  const { name, factor } = stretch(e, gradient, whole)
  return tensorGradient(e.reshape(name, whole, dims), dims, factor)
}

interface AxisGroup {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** A prime that stands for the batch size where lengths are multiplied. */
const ANY_BATCH = 7919

/** The finest runs of axes of both shapes that hold the same numbers. */
function axisGroups(from: Dims, to: Dims): readonly AxisGroup[] {
  const length = (dim: Dim | undefined): number => (typeof dim === 'object' ? dim.batch * ANY_BATCH : (dim ?? 1))
  const groups: AxisGroup[] = []
  let [i, j] = [0, 0]
  while (i < from.length || j < to.length) {
    const [start, other] = [i, j]
    let [a, b] = [1, 1]
    do {
      if ((a <= b || j === to.length) && i < from.length) a *= length(from[i++])
      else b *= length(to[j++])
    } while ((a !== b || a === 1) && (i < from.length || j < to.length))
    groups.push({ from: indices(start, i), to: indices(other, j) })
  }
  return groups
}

function indices(start: number, end: number): readonly number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}

function longAxes(axes: readonly number[], dims: Dims): readonly number[] {
  return axes.filter((i) => dims[i] !== 1)
}

/** The gradient of a tensor whose axes were permuted: `y = transpose(x, perm)`. */
export function untranspose(e: Emitter, gradient: Gradient, perm: readonly number[]): Gradient {
  const inverse = perm.map((_, i) => perm.indexOf(i))
  const dims = inverse.map((i): Dim => gradient.dims[i] ?? 1)
  if (gradient.kind === 'one-hot') return { ...gradient, axis: perm[gradient.axis] ?? 0, dims }
  const order = (axes: readonly number[]): string => axes.filter((i) => gradient.dims[i] !== 1).join()
  const isView = order(inverse) === order(perm.map((_, i) => i))
  const name = isView
    ? e.reshape(gradient.name, gradient.dims, dims)
    : e.emit('Transpose', [gradient.name], { perm: { ints: inverse } })
  return { ...gradient, name, dims }
}

export function broadcast(a: Dims, b: Dims): Dims {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i): Dim => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    return x === 1 ? y : x
  })
}

export function product(lengths: readonly number[]): number {
  return lengths.reduce((a, b) => a * b, 1)
}

/** A rule met the batch where only an axis within an image has a gradient. */
export class BatchAxisError extends RangeError {}

/** The length of an axis that cannot be the batch; throws `BatchAxisError` where it is. */
export function fixedLength(dim: Dim | undefined): number {
  if (typeof dim !== 'number') throw new BatchAxisError('an axis that grows with the batch has no fixed length')
  return dim
}
