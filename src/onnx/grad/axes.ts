import type { Dims } from '../shapes.ts'
import type { Emitter } from './emitter.ts'
import {
  asTensor,
  fixedLength,
  type Gradient,
  multiply,
  product,
  scale,
  type TensorGradient,
  tensorGradient,
  zeroGradient,
} from './gradient.ts'

/** Stands for a number that was not taken from the tensor: a constant of padding. */
export const OUTSIDE = -1

/** Up to this many gathers are added up; over it a matrix of ones and zeros does it at once. */
const MAX_GATHERS = 4

/**
 * The gradient of `x` (`length` long on `axis`) where `y` takes `x` at `places` along the axis, a place as often as it
 * is named. `gradient` is that at `y`; the other axes stay as they are, short ones short.
 */
export function takenFrom(
  e: Emitter,
  gradient: Gradient,
  axis: number,
  places: readonly number[],
  length: number,
): Gradient {
  if (places.length === length && places.every((place, i) => place === i)) return gradient
  const dy = asTensor(e, gradient)
  const takers = Array.from({ length }, (): number[] => [])
  places.forEach((place, i) => {
    takers[place]?.push(i)
  })
  const most = Math.max(...takers.map((takenTo) => takenTo.length))
  if (most === 0) return zeroGradient(e, dy.dims.length)
  if (dy.dims[axis] === 1 && places.length !== 1) {
    return countTakers(
      e,
      dy,
      axis,
      takers.map((takenTo) => takenTo.length),
    )
  }
  const dims = dy.dims.with(axis, length)
  const run = runOf(places)
  if (run !== undefined) return tensorGradient(setRun(e, dy, axis, run, length), dims, dy.factor)
  if (most <= MAX_GATHERS) return tensorGradient(addGathers(e, dy, axis, takers, most), dims, dy.factor)
  const isTaker = takers.flatMap((takenTo) => places.map((_, i) => (takenTo.includes(i) ? 1 : 0)))
  const matrix = { name: e.floats(isTaker, [length, places.length]), rows: length }
  return tensorGradient(multiplyAxis(e, dy.name, dy.dims, axis, matrix), dims, dy.factor)
}

/** A gradient that is equal along the axis: each place gets it as often as it was taken. */
function countTakers(e: Emitter, dy: TensorGradient, axis: number, counts: readonly number[]): Gradient {
  if (counts.every((count) => count === counts[0])) return scale(dy, counts[0] ?? 0)
  const dims = dy.dims.map((_, i) => (i === axis ? counts.length : 1))
  return multiply(e, dy, e.floats(counts, dims), dims)
}

/** Numbers of `x` in their order, from `place` on, that stand in `y` from `start` up to `end`. */
interface Run {
  readonly start: number
  readonly end: number
  readonly place: number
}

function runOf(places: readonly number[]): Run | undefined {
  const start = places.findIndex((place) => place !== OUTSIDE)
  const end = places.findLastIndex((place) => place !== OUTSIDE) + 1
  const place = places[start] ?? 0
  return places.slice(start, end).every((p, i) => p === place + i) ? { start, end, place } : undefined
}

/** The run cut out of `dy` and set between zeros. */
function setRun(e: Emitter, dy: TensorGradient, axis: number, { start, end, place }: Run, length: number): string {
  const isWhole = start === 0 && end === fixedLength(dy.dims[axis])
  const cut = isWhole ? dy.name : e.slice(dy.name, axis, start, end)
  const after = length - place - (end - start)
  return place === 0 && after === 0 ? cut : e.pad(cut, padsOf(dy.dims, axis, place, after), 0)
}

function padsOf(dims: Dims, axis: number, before: number, after: number): readonly number[] {
  return [before, after].flatMap((pad) => dims.map((_, i) => (i === axis ? pad : 0)))
}

/** The sum over k of each place's k-th taker; a place without one reads a zero that is set behind `dy`. */
function addGathers(
  e: Emitter,
  dy: TensorGradient,
  axis: number,
  takers: readonly (readonly number[])[],
  most: number,
): string {
  const hasGaps = takers.some((takenTo) => takenTo.length < most)
  const source = hasGaps ? e.pad(dy.name, padsOf(dy.dims, axis, 0, 1), 0) : dy.name
  const zero = fixedLength(dy.dims[axis])
  return Array.from({ length: most }, (_, k) => takers.map((takenTo) => takenTo[k] ?? zero))
    .map((indices) => e.emit('Gather', [source, e.ints(indices)], { axis: { int: axis } }))
    .reduce((sum, part) => e.emit('Add', [sum, part]))
}

/** `x` of shape `dims` with each line along `axis` multiplied by a matrix, `rows` x length of the axis. */
export function multiplyAxis(
  e: Emitter,
  x: string,
  dims: Dims,
  axis: number,
  matrix: { readonly name: string; readonly rows: number },
): string {
  const columns = fixedLength(dims[axis])
  const after = dims.slice(axis + 1)
  const inner = after.every((dim) => typeof dim === 'number') ? product(after.map(fixedLength)) : -1
  const outer = inner === -1 ? product(dims.slice(0, axis).map(fixedLength)) : -1
  const whole = dims.map((dim, i) => (i === axis ? matrix.rows : typeof dim === 'number' ? dim : -1))
  if (inner === 1) {
    const lines = e.emit('Reshape', [x, e.ints([-1, columns])])
    const transposed = e.emit('Transpose', [matrix.name], { perm: { ints: [1, 0] } })
    return e.emit('Reshape', [e.emit('MatMul', [lines, transposed]), e.ints(whole)])
  }
  const stacked = e.emit('Reshape', [x, e.ints([outer, columns, inner])])
  return e.emit('Reshape', [e.emit('MatMul', [matrix.name, stacked]), e.ints(whole)])
}
