import type { NodeProto } from 'onnx-buf'
import type { Attributes } from '../messages.ts'
import { intsAttribute, stringAttribute } from '../messages.ts'
import type { Dims } from '../shapes.ts'
import type { GradientContext } from './context.ts'
import { fixedLength } from './gradient.ts'

/** A sliding window along one axis, as convolutions and pools use it. */
export interface WindowAxis {
  readonly input: number
  readonly output: number
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  /** Padding before and after, `auto_pad` resolved. */
  readonly begin: number
  readonly end: number
}

/** From the first to the last tap of a window. */
export function reach({ kernel, dilation }: WindowAxis): number {
  return dilation * (kernel - 1) + 1
}

export function windowAxes(
  node: NodeProto,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): readonly WindowAxis[] {
  const rank = kernel.length
  const strides = intsAttribute(node, 'strides') ?? []
  const dilations = intsAttribute(node, 'dilations') ?? []
  const pads = intsAttribute(node, 'pads') ?? []
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET')
  return kernel.map((length, i) => {
    const axis = {
      input: input[i] ?? 1,
      output: output[i] ?? 1,
      kernel: length,
      stride: strides[i] ?? 1,
      dilation: dilations[i] ?? 1,
      begin: pads[i] ?? 0,
      end: pads[i + rank] ?? 0,
    }
    return auto === 'NOTSET' || auto === '' ? axis : { ...axis, ...autoPads(axis, auto) }
  })
}

/**
 * The axes of a pool. Under ceil_mode a last window could begin behind the input and its padding: ONNX Runtime leaves it
 * out, but before operator set 22 shape inference counts it. Refused, as shapes are wrong from there on.
 */
export function poolAxes(node: NodeProto, context: GradientContext): readonly WindowAxis[] {
  const spatial = (dims: Dims): readonly number[] => dims.slice(2).map(fixedLength)
  const [x, y] = [context.input(node, 0), context.output(node)]
  const axes = windowAxes(node, intsAttribute(node, 'kernel_shape') ?? [], spatial(x.dims), spatial(y.dims))
  if (axes.some((axis) => (axis.output - 1) * axis.stride >= axis.begin + axis.input)) {
    throw context.refuse(node, 'its ceil_mode counts a window that lies in the padding alone')
  }
  return axes
}

function autoPads(axis: WindowAxis, auto: string): Pick<WindowAxis, 'begin' | 'end'> {
  if (auto === 'VALID') return { begin: 0, end: 0 }
  const total = Math.max((axis.output - 1) * axis.stride + reach(axis) - axis.input, 0)
  const less = Math.floor(total / 2)
  return auto === 'SAME_UPPER' ? { begin: less, end: total - less } : { begin: total - less, end: less }
}

/**
 * Attributes of the ConvTranspose that spreads each output of a window back over its taps and gives the input's
 * size: what reaches past the input is cut, what no window reached is added.
 */
export function spreadAttributes(axes: readonly WindowAxis[]): Attributes {
  const excess = axes.map((axis) => (axis.output - 1) * axis.stride + reach(axis) - axis.begin - axis.input)
  return {
    kernel_shape: { ints: axes.map(({ kernel }) => kernel) },
    strides: { ints: axes.map(({ stride }) => stride) },
    dilations: { ints: axes.map(({ dilation }) => dilation) },
    pads: { ints: [...axes.map(({ begin }) => begin), ...excess.map((over) => Math.max(over, 0))] },
    output_padding: { ints: excess.map((over) => Math.max(-over, 0)) },
  }
}
