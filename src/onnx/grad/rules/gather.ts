import type { NodeProto } from 'onnx-buf'
import { intAttribute } from '../../messages.ts'
import { fromFront } from '../../slices.ts'
import { multiplyAxis, takenFrom } from '../axes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, type Gradient, product, stretch, tensorGradient, unreshape } from '../gradient.ts'

/** Each place gets the sum of what was taken from it; indices may repeat and count from the end. */
export const gather: GradientRule = (node, upstream, context) => {
  const { dims } = context.input(node, 0)
  const axis = fromFront(intAttribute(node, 'axis', 0), dims.length)
  const length = fixedLength(dims[axis])
  const count = product(context.input(node, 1).dims.map(fixedLength))
  const flat = unreshape(context.e, upstream, context.output(node).dims, dims.with(axis, count))
  const indices = context.constant(node, 1)
  if (indices === undefined) return [computedPlaces(node, flat, axis, count, context)]
  return [
    takenFrom(
      context.e,
      flat,
      axis,
      indices.map((index) => fromFront(index, length)),
      length,
    ),
  ]
}

/** Indices that are known only when the model runs: `M dy` with `M[place, i] = 1` where `indices[i]` is the place. */
function computedPlaces(
  node: NodeProto,
  upstream: Gradient,
  axis: number,
  count: number,
  context: GradientContext,
): Gradient {
  const { e } = context
  const { dims } = context.input(node, 0)
  const length = fixedLength(dims[axis])
  const indices = e.emit('Reshape', [e.toInt64(node.input[1] ?? ''), e.ints([1, count])])
  const places = Array.from({ length }, (_, place) => place)
  const hits = [places, places.map((place) => place - length)].map((column) =>
    e.emit('Equal', [e.ints(column, [length, 1]), indices]),
  )
  const matrix = { name: e.toFloat(e.emit('Or', hits)), rows: length }
  const { name: dy, dims: own, factor } = stretch(e, upstream, upstream.dims.with(axis, count))
  return tensorGradient(multiplyAxis(e, dy, own, axis, matrix), dims, factor)
}

/** `y[i] = x[.., indices[i], ..]`, element by element; needs ScatterElements' sum (operator set 16). */
export const gatherElements: GradientRule = (node, upstream, context) => {
  const { e } = context
  if (e.opset < 16) throw context.refuse(node, 'its gradient needs operator set 16')
  const { name: dy, factor } = stretch(e, upstream, context.output(node).dims)
  const x = context.input(node, 0)
  const dx = e.emit('ScatterElements', [zeros(x.name, context), node.input[1] ?? '', dy], {
    axis: { int: intAttribute(node, 'axis', 0) },
    reduction: { string: 'add' },
  })
  return [tensorGradient(dx, x.dims, factor)]
}

/** Slices taken by index tuples; needs ScatterND's sum (operator set 16). */
export const gatherND: GradientRule = (node, upstream, context) => {
  const { e } = context
  if (e.opset < 16) throw context.refuse(node, 'its gradient needs operator set 16')
  if (intAttribute(node, 'batch_dims', 0) !== 0) throw context.refuse(node, 'it takes other places in each image')
  const { name: dy, factor } = stretch(e, upstream, context.output(node).dims)
  const x = context.input(node, 0)
  const dx = e.emit('ScatterND', [zeros(x.name, context), node.input[1] ?? '', dy], { reduction: { string: 'add' } })
  return [tensorGradient(dx, x.dims, factor)]
}

/** Zeros of the shape of `x`. */
export function zeros(x: string, { e }: GradientContext): string {
  return e.toFloat(e.emit('ConstantOfShape', [e.emit('Shape', [x])]))
}
