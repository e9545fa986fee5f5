import type { NodeProto } from 'onnx-buf'
import { floatAttribute } from '../../messages.ts'
import type { AllOutputsRule, GradientContext } from '../context.ts'
import { add, type Gradient, multiply, sumTo } from '../gradient.ts'
import { inverseRoot, type Standardised, standardise, unstandardise } from './standardise.ts'

/** ONNX Runtime's own: `y = n(s) scale + beta` of the sum `s = x + skip + bias`, which is its last output. */
export const skipLayerNormalization: AllOutputsRule = (node, upstreams, context) =>
  ofSum(node, upstreams, context, [0, 1, 4], (s, axes, epsilon) => standardise(context.e, s, axes, epsilon))

/** The same without the mean: `n(s) = s / sqrt(mean(s^2) + epsilon)`. */
export const skipRmsNormalization: AllOutputsRule = (node, upstreams, context) =>
  ofSum(node, upstreams, context, [0, 1, 3], (s, axes, epsilon) => ({
    centred: s,
    inverse: inverseRoot(context.e, s, axes, epsilon),
    mean: 'kept',
  }))

function ofSum(
  node: NodeProto,
  [atOutput, atMean, atInverse, atSum]: readonly (Gradient | undefined)[],
  context: GradientContext,
  summed: readonly number[],
  normalised: (sum: string, axes: readonly number[], epsilon: number) => Standardised,
): readonly (Gradient | undefined)[] {
  if (atMean !== undefined || atInverse !== undefined) {
    throw context.refuse(node, 'its statistics are used on the way to the logits')
  }
  const { e } = context
  const { dims } = context.input(node, 0)
  const through = (upstream: Gradient): Gradient => {
    const terms = summed.flatMap((i) => node.input[i] || [])
    const sum = terms.reduce((a, b) => e.emit('Add', [a, b]))
    const scale = context.input(node, 2)
    const axes = [dims.length - 1]
    const standardised = normalised(sum, axes, floatAttribute(node, 'epsilon', 1e-12))
    return unstandardise(e, multiply(e, upstream, scale.name, scale.dims), standardised, dims, axes)
  }
  const gradients = [...(atOutput ? [through(atOutput)] : []), ...(atSum ? [atSum] : [])]
  const ds = gradients.reduce((a, b) => add(e, a, b))
  return node.input.map((_, i) =>
    summed.includes(i) && context.needs(node, i) ? sumTo(e, ds, dims, context.input(node, i).dims) : undefined,
  )
}
