import type { NodeProto } from 'onnx-buf'
import { floatAttribute, floatsAttribute, intAttribute, intsAttribute, stringAttribute } from '../../messages.ts'
import { sameDim } from '../../shapes.ts'
import { fromFront } from '../../slices.ts'
import { multiplyAxis, takenFrom } from '../axes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import type { Emitter } from '../emitter.ts'
import { asTensor, fixedLength, type Gradient, multiply, tensorGradient } from '../gradient.ts'
import {
  isCoordinates,
  isRounding,
  nearestPlaces,
  type ResampledAxis,
  type Resampling,
  resamplingMatrix,
} from '../resampling.ts'

/**
 * Resize, Upsample: `y = W x` along each axis, so `dx = W^T dy`. Nearest modes copy places; the others multiply by
 * the matrix of their weights.
 */
export const resize: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, y] = [context.input(node, 0).dims, context.output(node).dims]
  const how = resampling(node, context)
  const scaleOf = axisScales(node, context)
  const dx = x.reduce<Gradient>((gradient, dim, i) => {
    const scale = scaleOf(i)
    if (sameDim(dim, y[i] ?? 1) && scale === 1) return gradient
    const axis: ResampledAxis = { from: fixedLength(dim), to: fixedLength(y[i]), scale }
    if (how.mode === 'nearest') return takenFrom(e, gradient, i, nearestPlaces(axis, how), axis.from)
    return weighted(e, gradient, i, resamplingMatrix(axis, how))
  }, upstream)
  return [dx]
}

/** `rows`: for each output along the axis, the weights of its inputs. */
function weighted(e: Emitter, gradient: Gradient, axis: number, rows: readonly (readonly number[])[]): Gradient {
  const columns = (rows[0] ?? []).map((_, place) => rows.map((row) => row[place] ?? 0))
  const dy = asTensor(e, gradient)
  if (dy.dims[axis] === 1) {
    const sums = columns.map((column) => column.reduce((a, b) => a + b, 0))
    const dims = dy.dims.map((_, i) => (i === axis ? sums.length : 1))
    return multiply(e, dy, e.floats(sums, dims), dims)
  }
  const matrix = { name: e.floats(columns.flat(), [columns.length, rows.length]), rows: columns.length }
  const name = multiplyAxis(e, dy.name, dy.dims, axis, matrix)
  return tensorGradient(name, dy.dims.with(axis, columns.length), dy.factor)
}

function resampling(node: NodeProto, context: GradientContext): Resampling {
  const isOld = context.e.opset < 11
  const mode = stringAttribute(node, 'mode', 'nearest')
  const coordinates = isOld ? 'asymmetric' : stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const rounding = isOld ? 'by_scale' : stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
  const isKnown = mode === 'nearest' || mode === 'linear' || mode === 'cubic'
  if (!isKnown || !isCoordinates(coordinates) || !isRounding(rounding)) {
    throw context.refuse(node, `its mode "${mode}" with coordinates "${coordinates}" has no gradient rule`)
  }
  return {
    mode,
    coordinates,
    rounding,
    cubicA: floatAttribute(node, 'cubic_coeff_a', -0.75),
    outside: intAttribute(node, 'exclude_outside', 0) !== 0 ? 'excluded' : 'edge',
    antialias: intAttribute(node, 'antialias', 0) !== 0 ? 'on' : 'off',
  }
}

/** The factor of each axis: as given, or what follows from the sizes. */
function axisScales(node: NodeProto, context: GradientContext): (axis: number) => number {
  const [x, y] = [context.input(node, 0).dims, context.output(node).dims]
  const chosen = (intsAttribute(node, 'axes') ?? x.map((_, i) => i)).map((axis) => fromFront(axis, x.length))
  const place = node.opType === 'Resize' && context.e.opset >= 11 ? 2 : 1
  const isAbsent = (index: number): boolean => (node.input[index] ?? '') === ''
  const given = floatsAttribute(node, 'scales') ?? (isAbsent(place) ? [] : context.constant(node, place))
  const between = (to: number, axis: number): number => Math.fround(to / fixedLength(x[axis]))
  if (given !== undefined && given.length > 0) return (axis) => given[chosen.indexOf(axis)] ?? 1
  if (isAbsent(3)) throw context.refuse(node, 'its scales are computed')
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch')
  if (policy === 'stretch')
    return (axis) => (sameDim(x[axis] ?? 1, y[axis] ?? 1) ? 1 : between(fixedLength(y[axis]), axis))
  const sizes = context.constant(node, 3)
  if (sizes === undefined) throw context.refuse(node, 'its sizes are computed')
  const scales = sizes.map((to, i) => between(to, chosen[i] ?? 0))
  const scale = policy === 'not_larger' ? Math.min(...scales) : Math.max(...scales)
  return (axis) => (chosen.includes(axis) ? scale : 1)
}
