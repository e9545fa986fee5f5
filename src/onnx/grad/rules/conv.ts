import type { NodeProto } from 'onnx-buf'
import { intAttribute, stringAttribute } from '../../messages.ts'
import type { Dim } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import type { Emitter } from '../emitter.ts'
import { fixedLength, stretch, tensorGradient } from '../gradient.ts'
import { reach, spread, type WindowAxis, windowAxes } from '../windows.ts'
import { relu, sigmoid, tanh } from './activations.ts'
import { classRows } from './linear.ts'

/** Activations whose slope follows from their output. */
const FUSED: Readonly<Record<string, GradientRule>> = { Relu: relu, Sigmoid: sigmoid, Tanh: tanh }

/** ONNX Runtime's own: `y = activation(Conv(x, W, B) + z)`; `z` may be left out. */
export const fusedConv: GradientRule = (node, upstream, context) => {
  const name = stringAttribute(node, 'activation', '')
  const activation = FUSED[name]
  if (name !== '' && activation === undefined) throw context.refuse(node, `its activation "${name}" has no rule`)
  const [before = upstream] = activation?.(node, upstream, context) ?? []
  const dx = context.needs(node, 0) ? conv(node, before, context)[0] : undefined
  return [dx, undefined, undefined, context.needs(node, 3) ? before : undefined]
}

/**
 * Convolution of any rank, stride, dilation, group and padding. Stride 1: a convolution with the weights flipped and
 * transposed, the fastest form where it exists; otherwise ConvTranspose, which takes the weights as they are.
 */
export const conv: GradientRule = (node, upstream, context) => {
  if (context.needs(node, 1) || context.needs(node, 2)) throw context.refuse(node, 'its weights are computed')
  const { e } = context
  const [x, y, weights] = [context.input(node, 0), context.output(node), context.input(node, 1)]
  const weightDims = weights.dims.map(fixedLength)
  const groups = intAttribute(node, 'group', 1)
  const axes = convAxes(node, context)
  const isPointwise = axes.every((a) => a.kernel === 1 && a.stride === 1 && a.begin === 0 && a.end === 0)
  if (isPointwise && groups === 1 && upstream.kind === 'one-hot' && upstream.axis === 1) {
    return [classRows(context, upstream, weights.name, weights.dims, 0, x.dims, 1)]
  }
  // A pointwise convolution leaves a gradient that is equal over the pixels equal over the pixels
  const full = isPointwise ? upstream.dims.map((dim, i): Dim => (i === 1 ? (y.dims[1] ?? 1) : dim)) : y.dims
  const { name: dy, factor } = stretch(e, upstream, full)
  const dims = isPointwise ? full.map((dim, i): Dim => (i === 1 ? (x.dims[1] ?? 1) : dim)) : x.dims
  const isUnitStride = axes.every((a) => a.stride === 1 && a.begin < reach(a) && a.end < reach(a))
  const name = isUnitStride
    ? e.emit('Conv', [dy, flippedWeights(e, weights.name, weightDims, groups)], {
        kernel_shape: { ints: axes.map(({ kernel }) => kernel) },
        dilations: { ints: axes.map(({ dilation }) => dilation) },
        pads: { ints: [...axes.map((a) => reach(a) - 1 - a.begin), ...axes.map((a) => reach(a) - 1 - a.end)] },
        group: { int: groups },
      })
    : spread(e, dy, weights.name, { axes, groups })
  return [tensorGradient(name, dims, factor)]
}

function convAxes(node: NodeProto, context: GradientContext): readonly WindowAxis[] {
  const spatial = (dims: readonly Dim[]): readonly number[] => dims.slice(2).map(fixedLength)
  const [x, weights, y] = [context.input(node, 0), context.input(node, 1), context.output(node)]
  return windowAxes(node, spatial(weights.dims), spatial(x.dims), spatial(y.dims))
}

/**
 * Weights (M, C/g, k...) as (C, M/g, k...), flipped along k: nodes on a constant, which ONNX Runtime folds when the
 * session opens, so no weight is encoded again.
 */
function flippedWeights(e: Emitter, weights: string, dims: readonly number[], groups: number): string {
  const [m = 1, c = 1, ...kernel] = dims
  const outer = m / groups
  let name = weights
  if (groups === 1) {
    name = e.emit('Transpose', [name], { perm: { ints: [1, 0, ...kernel.map((_, i) => i + 2)] } })
  } else if (outer > 1 || c > 1) {
    const split = e.reshape(name, dims, [groups, outer, c, ...kernel])
    const swapped = e.emit('Transpose', [split], { perm: { ints: [0, 2, 1, ...kernel.map((_, i) => i + 3)] } })
    name = e.reshape(swapped, [groups, c, outer, ...kernel], [groups * c, outer, ...kernel])
  }
  kernel.forEach((length, i) => {
    if (length === 1) return
    const reversed = Array.from({ length }, (_, k) => length - 1 - k)
    name = e.emit('Gather', [name, e.ints(reversed)], { axis: { int: i + 2 } })
  })
  return name
}
