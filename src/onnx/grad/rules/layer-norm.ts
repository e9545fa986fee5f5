import type { NodeProto } from 'onnx-buf'
import { floatAttribute, intAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { type Gradient, multiply, sumTo } from '../gradient.ts'
import { withinImage } from './reduce.ts'
import { inverseRoot, type Standardised, unstandardise } from './standardise.ts'

/** `y = n scale + bias`, `n = (x - mean) / sqrt(var + epsilon)` from `axis` on; the node itself tells its statistics. */
export const layerNormalization: GradientRule = (node, upstream, context) => {
  const [mean, inverse] = [context.extraOutput(node, 1), context.extraOutput(node, 2)]
  const centred = context.e.emit('Sub', [node.input[0] ?? '', mean])
  return affine(node, upstream, { centred, inverse, mean: 'removed' }, context)
}

/** `y = n scale`, `n = x / sqrt(mean(x^2) + epsilon)` from `axis` on. */
export const rmsNormalization: GradientRule = (node, upstream, context) => {
  const [x, epsilon] = [node.input[0] ?? '', floatAttribute(node, 'epsilon', 1e-5)]
  const inverse = inverseRoot(context.e, x, normalisedAxes(node, context), epsilon)
  return affine(node, upstream, { centred: x, inverse, mean: 'kept' }, context)
}

/** Gradients at the input, the scale and the bias. */
function affine(
  node: NodeProto,
  upstream: Gradient,
  standardised: Standardised,
  context: GradientContext,
): readonly (Gradient | undefined)[] {
  const { e } = context
  const [x, scale] = [context.input(node, 0), context.input(node, 1)]
  const atInput = (): Gradient => {
    const g = multiply(e, upstream, scale.name, scale.dims)
    return unstandardise(e, g, standardised, x.dims, normalisedAxes(node, context))
  }
  const atScale = (): Gradient => {
    const n = e.emit('Mul', [standardised.centred, standardised.inverse])
    return sumTo(e, multiply(e, upstream, n, x.dims), x.dims, scale.dims)
  }
  const atBias = (): Gradient => sumTo(e, upstream, x.dims, context.input(node, 2).dims)
  return [atInput, atScale, atBias].map((rule, i) => (context.needs(node, i) ? rule() : undefined))
}

function normalisedAxes(node: NodeProto, context: GradientContext): readonly number[] {
  const { dims } = context.input(node, 0)
  const given = intAttribute(node, 'axis', -1)
  const first = given < 0 ? given + dims.length : given
  return withinImage(
    dims,
    dims.flatMap((_, i) => (i >= first ? [i] : [])),
  )
}
