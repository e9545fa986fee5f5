import { intAttribute } from '../../messages.ts'
import type { GradientRule } from '../context.ts'
import { asTensor, tensorGradient } from '../gradient.ts'
import { withinImage } from './reduce.ts'

/**
 * `y = x / r`, `r = |x|_p` along one axis: `dx = (dy - u sum(dy y)) / r`, `u` being `y` for p = 2 and `sign(x)` for
 * p = 1; 0 where `r` is 0.
 */
export const lpNormalization: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [x, y] = [context.input(node, 0), context.output(node)]
  const given = intAttribute(node, 'axis', -1)
  const axes = withinImage(x.dims, [given < 0 ? given + x.dims.length : given])
  const { name: dy, factor } = asTensor(e, upstream)
  const isManhattan = intAttribute(node, 'p', 2) === 1
  const norm = e.reduce(isManhattan ? 'ReduceL1' : 'ReduceL2', x.name, axes)
  const along = e.reduceSum(e.emit('Mul', [dy, y.name]), axes)
  const direction = isManhattan ? e.sign(x.name) : y.name
  const level = e.emit('Sub', [dy, e.emit('Mul', [direction, along])])
  const inverse = e.emit('Div', [e.sign(norm), e.nonZero(norm)])
  return [tensorGradient(e.emit('Mul', [level, inverse]), x.dims, factor)]
}
