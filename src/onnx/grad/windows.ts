import type { NodeProto } from 'onnx-buf'
import { intsAttribute, stringAttribute } from '../messages.ts'
import type { Dims } from '../shapes.ts'
import type { GradientContext } from './context.ts'
import type { Emitter } from './emitter.ts'
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
 * Each output of a window spread back over its taps, at the input's size: a ConvTranspose, padded alike at both ends, as
 * ONNX Runtime's CUDA provider leaves any other to the processor. What reaches past the input is sliced off.
 */
export function spread(
  e: Emitter,
  dy: string,
  weights: string,
  { axes, groups }: { readonly axes: readonly WindowAxis[]; readonly groups: number },
): string {
  const cuts = axes.map(spreadCut)
  const pads = cuts.map(({ pad }) => pad)
  const whole = e.emit('ConvTranspose', [dy, weights], {
    kernel_shape: { ints: axes.map(({ kernel }) => kernel) },
    strides: { ints: axes.map(({ stride }) => stride) },
    dilations: { ints: axes.map(({ dilation }) => dilation) },
    pads: { ints: [...pads, ...pads] },
    output_padding: { ints: cuts.map(({ added }) => added) },
    group: { int: groups },
  })
  const ranges = cuts.map(({ start, length, input }, i) => ({ axis: i + 2, start, end: start + input, length }))
  return e.crop(
    whole,
    ranges.filter(({ start, end, length }) => start > 0 || end < length),
  )
}

/** What ConvTranspose cuts at either end and adds behind, and where the input then starts in its `length` numbers. */
function spreadCut(axis: WindowAxis) {
  const { begin, end, input } = axis
  const reached = (axis.output - 1) * axis.stride + reach(axis)
  const missing = (pad: number): number => begin + pad + input - reached
  // output_padding has to be under the stride or the dilation
  const isWhole = missing(begin) >= 0 && missing(begin) < Math.max(axis.stride, axis.dilation)
  const pad = isWhole ? begin : Math.min(begin, end)
  const added = Math.max(missing(pad), 0)
  return { pad, added, start: begin - pad, length: reached - 2 * pad + added, input }
}
