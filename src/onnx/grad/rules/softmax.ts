import type { NodeProto } from 'onnx-buf'
import { intAttribute } from '../../messages.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { add, multiply, scale, sumTo, tensorGradient } from '../gradient.ts'
import { withinImage } from './reduce.ts'

/** `dx = y (dy - sum(dy y))`. */
export const softmax: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { name: y, dims } = context.output(node)
  const weighted = multiply(e, upstream, y, dims)
  const mean = e.reduceSum(weighted.name, classAxes(node, context))
  const name = e.emit('Sub', [weighted.name, e.emit('Mul', [y, mean])])
  return [tensorGradient(name, dims, weighted.factor)]
}

/** `dx = dy - exp(y) sum(dy)`. */
export const logSoftmax: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { name: y, dims } = context.output(node)
  const axes = classAxes(node, context)
  const sum = sumTo(
    e,
    upstream,
    dims,
    dims.map((dim, i) => (axes.includes(i) ? 1 : dim)),
  )
  return [add(e, upstream, scale(multiply(e, sum, e.emit('Exp', [y]), dims), -1))]
}

/** Before operator set 13 all axes from `axis` (by default 1) on are one; from it on `axis` (by default -1) stands alone. */
function classAxes(node: NodeProto, context: GradientContext): readonly number[] {
  const { dims } = context.output(node)
  const isCoerced = context.e.opset < 13
  const given = intAttribute(node, 'axis', isCoerced ? 1 : -1)
  const axis = given < 0 ? given + dims.length : given
  return withinImage(
    dims,
    dims.flatMap((_, i) => (i === axis || (isCoerced && i > axis) ? [i] : [])),
  )
}
