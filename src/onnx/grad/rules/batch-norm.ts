import { floatAttribute, intAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { multiply } from '../gradient.ts'

/** `y = scale (x - mean) / sqrt(var + eps) + B` per channel at inference: `dx = dy scale / sqrt(var + eps)`. */
export const batchNormalization: GradientRule = (node, upstream, context) => {
  const { e } = context
  const trains = intAttribute(node, 'training_mode', 0) !== 0 || node.output.slice(1).some((output) => output !== '')
  if (trains) throw context.refuse(node, 'it runs in training mode')
  if (intAttribute(node, 'spatial', 1) === 0) throw context.refuse(node, 'it normalises each pixel for itself')
  if ([1, 2, 3, 4].some((i) => context.needs(node, i))) throw context.refuse(node, 'its statistics are computed')
  const { dims } = context.input(node, 0)
  const [scale, variance] = [context.input(node, 1), node.input[4] ?? '']
  const spread = e.emit('Sqrt', [e.emit('Add', [variance, e.scalar(floatAttribute(node, 'epsilon', 1e-5))])])
  const shape = dims.map((dim, i) => (i === 1 ? dim : 1))
  const slope = e.reshape(e.emit('Div', [scale.name, spread]), scale.dims, shape)
  return [multiply(e, upstream, slope, shape)]
}
