import type { NodeProto } from 'onnx-buf'
import type { GradientRule } from '../context.ts'
import type { Emitter } from '../emitter.ts'
import { multiply } from '../gradient.ts'

/** A derivative as a tensor of the output's shape, from the tensor it is written in. */
type Slope = (e: Emitter, tensor: string, node: NodeProto) => string

/** The rule `dx = dy slope(x)` of a pointwise operator. */
export function slopeAtInput(slope: Slope): GradientRule {
  return (node, upstream, context) => {
    const { name: x, dims } = context.input(node, 0)
    return [multiply(context.e, upstream, slope(context.e, x, node), dims)]
  }
}

/** The rule `dx = dy slope(y)` of a pointwise operator; the input need not be kept for it. */
export function slopeAtOutput(slope: Slope): GradientRule {
  return (node, upstream, context) => {
    const { name: y, dims } = context.output(node)
    return [multiply(context.e, upstream, slope(context.e, y, node), dims)]
  }
}
