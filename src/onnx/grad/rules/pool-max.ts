import type { NodeProto } from 'onnx-buf'
import { type Attributes, intAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, product, stretch, tensorGradient } from '../gradient.ts'
import { poolAxes, reach, spread, type WindowAxis } from '../windows.ts'

/** The window's gradient goes to its first maximum in row-major order. */
export const maxPool: GradientRule = (node, upstream, context) => {
  const axes = poolAxes(node, context)
  const { name: dy, factor } = stretch(context.e, upstream, context.output(node).dims)
  const hasIndices = context.e.opset >= 16 && intAttribute(node, 'storage_order', 0) === 0
  const name = hasIndices ? scatter(node, dy, context) : comparisons(node, axes, dy, context)
  return [tensorGradient(name, context.input(node, 0).dims, factor)]
}

/** By the pool's own row-major indices over the whole tensor. Needs ScatterElements' sum (operator set 16). */
function scatter(node: NodeProto, dy: string, context: GradientContext): string {
  const { e } = context
  const x = context.input(node, 0)
  const length = e.emit('Reshape', [e.emit('Size', [x.name]), e.ints([1])])
  const flat = (name: string): string => e.emit('Reshape', [name, e.ints([-1])])
  const zeros = e.toFloat(e.emit('ConstantOfShape', [length]))
  const indices = flat(context.extraOutput(node, 1))
  const sums = e.emit('ScatterElements', [zeros, indices, flat(dy)], { axis: { int: 0 }, reduction: { string: 'add' } })
  return e.reshape(sums, [], x.dims)
}

/**
 * Without indices (operator sets 7 to 15, or column-major ones): a depthwise convolution lays out the taps of each window, the first tap
 * that equals the maximum takes the gradient, and a ConvTranspose with the same one-tap kernels brings it home.
 */
function comparisons(node: NodeProto, axes: readonly WindowAxis[], dy: string, context: GradientContext): string {
  const { e } = context
  const [x, y] = [context.input(node, 0), context.output(node)]
  const channels = fixedLength(x.dims[1])
  const kernel = axes.map((axis) => axis.kernel)
  const taps = product(kernel)
  const images = typeof x.dims[0] === 'number' ? x.dims[0] : -1
  const windows = product(y.dims.slice(2).map(fixedLength))
  const perWindow = (name: string, count: number): string =>
    e.emit('Reshape', [name, e.ints([images, channels, count, windows])])

  const kernels = e.floats(oneTapKernels(channels, taps), [channels * taps, 1, ...kernel])
  const laid = perWindow(
    e.emit('Conv', [padded(x.name, axes, context), kernels], slideAttributes(axes, channels)),
    taps,
  )
  const isMaximum = e.toFloat(e.emit('Not', [e.emit('Less', [laid, perWindow(y.name, 1)])]))
  const before = e.emit('MatMul', [e.floats(strictlyLower(taps), [taps, taps]), isMaximum])
  const isFirst = e.emit('Mul', [isMaximum, e.toFloat(e.emit('Less', [before, e.scalar(0.5)]))])
  const shares = e.emit('Mul', [isFirst, perWindow(dy, 1)])
  const back = e.emit('Reshape', [shares, e.ints([images, channels * taps, ...y.dims.slice(2).map(fixedLength)])])
  return spread(e, back, kernels, { axes, groups: channels })
}

function padded(x: string, axes: readonly WindowAxis[], context: GradientContext): string {
  const needed = axes.map((a) => Math.max((a.output - 1) * a.stride + reach(a) - a.begin - a.input, 0))
  const pads = [0, 0, ...axes.map(({ begin }) => begin), 0, 0, ...needed]
  return pads.every((pad) => pad === 0) ? x : context.e.pad(x, pads, context.e.lowest)
}

function slideAttributes(axes: readonly WindowAxis[], channels: number): Attributes {
  return {
    strides: { ints: axes.map(({ stride }) => stride) },
    dilations: { ints: axes.map(({ dilation }) => dilation) },
    group: { int: channels },
  }
}

/** For each channel one kernel per tap that picks that tap. */
function oneTapKernels(channels: number, taps: number): readonly number[] {
  const identity = Array.from({ length: taps * taps }, (_, i) => (Math.floor(i / taps) === i % taps ? 1 : 0))
  return Array.from({ length: channels }, () => identity).flat()
}

function strictlyLower(size: number): readonly number[] {
  return Array.from({ length: size * size }, (_, i) => (i % size < Math.floor(i / size) ? 1 : 0))
}
