import { floatAttribute, intAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientRule } from '../context.ts'
import { fixedLength, product, stretch, tensorGradient } from '../gradient.ts'

/**
 * `y = x d^-beta`, `d = bias + alpha mean(x^2)` over a window of `size` channels:
 * `dx = dy d^-beta - 2 alpha beta x mean'(dy y / d)`, where `mean'` has the window mirrored.
 */
export const lrn: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, y] = [context.input(node, 0), context.output(node)]
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1e-4), floatAttribute(node, 'beta', 0.75)]
  const size = intAttribute(node, 'size', 1)
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)]
  const { name: dy, factor } = stretch(e, upstream, x.dims)

  // Channels as the rows of one plane, so that a pool slides over them
  const [images = 1, channels = 1, ...spatial] = x.dims
  const plane: Dims = [images, 1, channels, product(spatial.map(fixedLength))]
  const mean = (tensor: string, [begin, end]: readonly [number, number]): string => {
    const pooled = e.emit('AveragePool', [e.reshape(tensor, x.dims, plane)], {
      kernel_shape: { ints: [size, 1] },
      pads: { ints: [begin, 0, end, 0] },
      count_include_pad: { int: 1 },
    })
    return e.reshape(pooled, plane, x.dims)
  }

  const squares = mean(e.emit('Mul', [x.name, x.name]), [before, after])
  const d = e.emit('Add', [e.emit('Mul', [squares, e.scalar(alpha)]), e.scalar(floatAttribute(node, 'bias', 1))])
  const direct = e.emit('Mul', [dy, e.emit('Pow', [d, e.scalar(-beta)])])
  const spread = mean(e.emit('Div', [e.emit('Mul', [dy, y.name]), d]), [after, before])
  const indirect = e.emit('Mul', [e.emit('Mul', [x.name, e.scalar(2 * alpha * beta)]), spread])
  return [tensorGradient(e.emit('Sub', [direct, indirect]), x.dims, factor)]
}
