import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute, stringAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, stretch, tensorGradient } from '../gradient.ts'
import { reach, type WindowAxis, windowAxes } from '../windows.ts'

/** `y = ConvTranspose(x, W)` is the transpose of a convolution with `W` as it is: `dx = Conv(dy, W)`. */
export const convTranspose: GradientRule = (node, upstream, context) => {
  if (context.needs(node, 1) || context.needs(node, 2)) throw context.refuse(node, 'its weights are computed')
  const { e } = context
  const x = context.input(node, 0)
  const { name: dy, factor } = stretch(e, upstream, context.output(node).dims)
  const axes = transposedAxes(node, context)
  const ends = axes.map((axis) => (axis.input - 1) * axis.stride + reach(axis) - axis.begin - axis.output)
  // What output_padding added past the last window would make one window more
  const cut = axes.reduce((name, axis, i) => {
    const over = -(ends[i] ?? 0)
    return over < axis.stride ? name : e.slice(name, i + 2, 0, axis.output - over)
  }, dy)
  const name = e.emit('Conv', [cut, context.input(node, 1).name], {
    kernel_shape: { ints: axes.map(({ kernel }) => kernel) },
    strides: { ints: axes.map(({ stride }) => stride) },
    dilations: { ints: axes.map(({ dilation }) => dilation) },
    pads: { ints: [...axes.map(({ begin }) => begin), ...ends.map((end) => Math.max(end, 0))] },
    group: { int: intAttribute(node, 'group', 1) },
  })
  return [tensorGradient(name, x.dims, factor)]
}

/** The axes with `begin` as `pads` says or, where the output's size is asked for, as it follows from that. */
function transposedAxes(node: NodeProto, context: GradientContext): readonly WindowAxis[] {
  const spatial = (dims: Dims): readonly number[] => dims.slice(2).map(fixedLength)
  const [x, weights, y] = [context.input(node, 0), context.input(node, 1), context.output(node)]
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET')
  const isFixed = intsAttribute(node, 'output_shape') === undefined
  const added = intsAttribute(node, 'output_padding') ?? []
  return windowAxes(node, spatial(weights.dims), spatial(x.dims), spatial(y.dims)).map((axis, i) => {
    if (isFixed && (auto === 'NOTSET' || auto === '' || auto === 'VALID')) return axis
    const needed = (axis.input - 1) * axis.stride + reach(axis) + (added[i] ?? 0) - axis.output
    const total = Math.max(needed, 0)
    return { ...axis, begin: auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2) }
  })
}
