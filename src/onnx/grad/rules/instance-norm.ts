import type { NodeProto } from 'onnx-buf'
import { floatAttribute, intAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, type Gradient, multiply, product, unreshape } from '../gradient.ts'
import { standardise, unstandardise } from './standardise.ts'

/** `y = n scale + B`, `n = (x - mean) / sqrt(var + epsilon)` over the pixels of each channel. */
export const instanceNormalization: GradientRule = (node, upstream, context) => {
  const { e } = context
  const x = context.input(node, 0)
  const axes = x.dims.flatMap((_, i) => (i > 1 ? [i] : []))
  const standardised = standardise(e, x.name, axes, epsilonOf(node))
  return [unstandardise(e, scaled(node, upstream, x.dims, context), standardised, x.dims, axes)]
}

/** The same over groups of channels. The scale is one number per group before operator set 21, per channel from it on. */
export const groupNormalization: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { name, dims } = context.input(node, 0)
  const [images = 1, ...rest] = dims
  const groups = intAttribute(node, 'num_groups', 1)
  const grouped: Dims = [images, groups, product(rest.map(fixedLength)) / groups]
  const perGroup = (gradient: Gradient): Gradient => unreshape(e, gradient, dims, grouped)
  const g =
    e.opset < 21 ? scaled(node, perGroup(upstream), grouped, context) : perGroup(scaled(node, upstream, dims, context))
  const standardised = standardise(e, e.reshape(name, dims, grouped), [2], epsilonOf(node))
  return [unreshape(e, unstandardise(e, g, standardised, grouped, [2]), grouped, dims)]
}

/** The gradient at `n`; the scale lies along axis 1 of `dims`. */
function scaled(node: NodeProto, upstream: Gradient, dims: Dims, context: GradientContext): Gradient {
  const { e } = context
  const scale = context.input(node, 1)
  const shape = dims.map((dim, i) => (i === 1 ? dim : 1))
  return multiply(e, upstream, e.reshape(scale.name, scale.dims, shape), shape)
}

function epsilonOf(node: NodeProto): number {
  return floatAttribute(node, 'epsilon', 1e-5)
}
