import type { NodeProto } from 'onnx-buf'
import { intAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientRule } from '../context.ts'
import type { Emitter } from '../emitter.ts'
import { fixedLength, type Gradient, multiply, product, scale, stretch, tensorGradient } from '../gradient.ts'
import { poolAxes, spread, type WindowAxis } from '../windows.ts'

/** Each pixel gets from every window that it is in the window's gradient over the window's count. */
export const averagePool: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, y] = [context.input(node, 0).dims, context.output(node).dims]
  const axes = poolAxes(node, context)
  const isWhole = axes.every((a) => a.output === 1 && a.kernel === a.input && a.begin === 0 && a.end === 0)
  if (isWhole) return [scale(upstream, 1 / product(axes.map(({ kernel }) => kernel)))]
  const shared = shareOut(e, upstream, node, axes)
  const { name: dy, factor } = stretch(e, shared, y)
  const slides = axes.every((a) => a.stride === 1 && a.dilation === 1 && a.begin < a.kernel && a.end < a.kernel)
  if (slides && !isPadded(e, dy)) return [scale(slide(e, dy, axes, x), factor)]
  const tiles = axes.every(
    (a) => a.kernel === a.stride && a.dilation === 1 && a.begin === 0 && a.output * a.stride === a.input,
  )
  // Resize leaves its region of interest out only from operator set 13 on
  if (tiles && e.opset >= 13) return [scale(repeat(e, dy, axes, x), factor)]
  return [scale(sumOfWindows(e, dy, axes, x), factor)]
}

/** The gradient divided by how many numbers each window averages. */
function shareOut(e: Emitter, upstream: Gradient, node: NodeProto, axes: readonly WindowAxis[]): Gradient {
  const countsPads = intAttribute(node, 'count_include_pad', 0) !== 0
  const counts = axes.map((axis) => tapCounts(axis, countsPads))
  if (counts.every((line) => line.every((count) => count === line[0]))) {
    return scale(upstream, 1 / product(counts.map((line) => line[0] ?? 1)))
  }
  const shares = counts.reduce<readonly number[]>((all, line) => all.flatMap((a) => line.map((b) => a / b)), [1])
  const dims = [1, 1, ...axes.map(({ output }) => output)]
  return multiply(e, upstream, e.floats(shares, dims), dims)
}

function tapCounts(axis: WindowAxis, countsPads: boolean): readonly number[] {
  const [from, to] = countsPads ? [-axis.begin, axis.input + axis.end] : [0, axis.input]
  return Array.from({ length: axis.output }, (_, o) => {
    const taps = Array.from({ length: axis.kernel }, (_, k) => o * axis.stride - axis.begin + k * axis.dilation)
    return taps.filter((tap) => tap >= from && tap < to).length
  })
}

/** ONNX Runtime merges a Pad into the pool that reads it, and then refuses pads that reach the pool's kernel. */
function isPadded(e: Emitter, dy: string): boolean {
  return e.nodes.some(({ opType, output }) => opType === 'Pad' && output.includes(dy))
}

/** Stride 1: the sum over the windows of a pixel is itself an average pool, times its count. */
function slide(e: Emitter, dy: string, axes: readonly WindowAxis[], x: Dims): Gradient {
  const kernel = axes.map((axis) => axis.kernel)
  const mean = e.emit('AveragePool', [dy], {
    kernel_shape: { ints: kernel },
    pads: { ints: [...axes.map((a) => a.kernel - 1 - a.begin), ...axes.map((a) => a.kernel - 1 - a.end)] },
    count_include_pad: { int: 1 },
  })
  return tensorGradient(mean, x, product(kernel))
}

/** Windows that tile the input: each pixel repeats its window's gradient. */
function repeat(e: Emitter, dy: string, axes: readonly WindowAxis[], x: Dims): Gradient {
  const scales = [1, 1, ...axes.map((axis) => axis.kernel)]
  const repeated = e.emit('Resize', [dy, '', e.float32s(scales)], {
    mode: { string: 'nearest' },
    coordinate_transformation_mode: { string: 'asymmetric' },
    nearest_mode: { string: 'floor' },
  })
  return tensorGradient(repeated, x)
}

function sumOfWindows(e: Emitter, dy: string, axes: readonly WindowAxis[], x: Dims): Gradient {
  const channels = fixedLength(x[1])
  const kernel = axes.map((axis) => axis.kernel)
  const ones = e.floats(new Array<number>(channels * product(kernel)).fill(1), [channels, 1, ...kernel])
  return tensorGradient(spread(e, dy, ones, { axes, groups: channels }), x)
}
