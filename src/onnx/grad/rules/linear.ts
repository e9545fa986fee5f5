import { floatAttribute, intAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import {
  broadcast,
  fixedLength,
  type Gradient,
  type OneHotGradient,
  scale,
  seedTensor,
  stretch,
  sumTo,
  tensorGradient,
  unreshape,
} from '../gradient.ts'

/** `y = alpha A' B' + beta C`: `dA = alpha dy B'^T`; for a one-hot `dy` that is the target's row of the weights. */
export const gemm: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [a, b, y] = [context.input(node, 0), context.input(node, 1), context.output(node)]
  const transA = intAttribute(node, 'transA', 0) !== 0
  const transB = intAttribute(node, 'transB', 0) !== 0
  const alpha = floatAttribute(node, 'alpha', 1)
  const dC = (): Gradient =>
    scale(sumTo(e, upstream, y.dims, context.input(node, 2).dims), floatAttribute(node, 'beta', 1))
  const dA = (): Gradient => {
    if (upstream.kind === 'one-hot' && !transA && upstream.axis === 1) {
      return scale(classRows(context, upstream, b.name, b.dims, transB ? 0 : 1, a.dims), alpha)
    }
    const { name: dy, factor } = stretch(e, upstream, y.dims)
    const flip = { int: transB ? 0 : 1 }
    const name = transA
      ? e.emit('Gemm', [b.name, dy, zero(context)], {
          alpha: { float: alpha },
          transA: { int: transB ? 1 : 0 },
          transB: { int: 1 },
        })
      : e.emit('Gemm', [dy, b.name, zero(context)], { alpha: { float: alpha }, transB: flip })
    return tensorGradient(name, a.dims, factor)
  }
  const dB = (): Gradient => {
    const { name: dy, factor } = stretch(e, upstream, y.dims)
    const name = transB
      ? e.emit('Gemm', [dy, a.name, zero(context)], {
          alpha: { float: alpha },
          transA: { int: 1 },
          transB: { int: transA ? 1 : 0 },
        })
      : e.emit('Gemm', [a.name, dy, zero(context)], { alpha: { float: alpha }, transA: { int: transA ? 0 : 1 } })
    return tensorGradient(name, b.dims, factor)
  }
  return [dA, dB, dC].map((rule, i) => (context.needs(node, i) ? rule() : undefined))
}

/** Gemm's third input, which operator sets before 11 require. */
function zero(context: GradientContext): string {
  return context.e.scalar(0)
}

interface Operand {
  readonly name: string
  readonly dims: Dims
}

/** `y = A B`, batched: `dA = dy B^T`, `dB = A^T dy`. A plain vector is a row on the left and a column on the right. */
export const matMul: GradientRule = (node, upstream, context) => {
  const { e } = context
  const [left, right] = [context.input(node, 0), context.input(node, 1)]
  const view = ({ name, dims }: Operand, to: Dims): Operand => ({ name: e.reshape(name, dims, to), dims: to })
  const a = left.dims.length > 1 ? left : view(left, [1, ...left.dims])
  const b = right.dims.length > 1 ? right : view(right, [...right.dims, 1])
  const batch = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2))
  const yDims = [...batch, a.dims.at(-2) ?? 1, b.dims.at(-1) ?? 1]
  const dy = unreshape(e, upstream, context.output(node).dims, yDims)
  const atInput = (index: number, rule: () => Gradient, from: Dims, to: Dims): Gradient | undefined =>
    context.needs(node, index) ? unreshape(e, rule(), from, to) : undefined
  return [
    atInput(0, () => matMulLeft(a, b, yDims, dy, context), a.dims, left.dims),
    atInput(1, () => matMulRight(a, b, yDims, dy, context), b.dims, right.dims),
  ]
}

function matMulLeft(a: Operand, b: Operand, yDims: Dims, upstream: Gradient, context: GradientContext): Gradient {
  const { e } = context
  const isShared = b.dims.length === 2
  if (isShared && upstream.kind === 'one-hot' && upstream.axis === yDims.length - 1) {
    return classRows(context, upstream, b.name, b.dims, 1, a.dims)
  }
  const { name: dy, factor } = stretch(e, upstream, yDims)
  if (isShared) {
    // Gemm transposes as it reads; a Transpose of the weights would be folded into a second copy of them
    const rows = [-1, fixedLength(yDims.at(-1))]
    const flat = yDims.length === 2 ? dy : e.emit('Reshape', [dy, e.ints(rows)])
    const flatGradient = e.emit('Gemm', [flat, b.name, zero(context)], { transB: { int: 1 } })
    if (a.dims.length === 2) return tensorGradient(flatGradient, a.dims, factor)
    const shape = a.dims.map((dim) => (typeof dim === 'number' ? dim : -1))
    return tensorGradient(e.emit('Reshape', [flatGradient, e.ints(shape)]), a.dims, factor)
  }
  const full = [...yDims.slice(0, -1), a.dims.at(-1) ?? 1]
  const name = e.emit('MatMul', [dy, transposeLast(context, b.name, b.dims.length)])
  return sumTo(e, tensorGradient(name, full, factor), full, a.dims)
}

function matMulRight(a: Operand, b: Operand, yDims: Dims, upstream: Gradient, context: GradientContext): Gradient {
  const { e } = context
  const { name: dy, factor } = stretch(e, upstream, yDims)
  const full = [...yDims.slice(0, -2), a.dims.at(-1) ?? 1, yDims.at(-1) ?? 1]
  const name = e.emit('MatMul', [transposeLast(context, a.name, a.dims.length), dy])
  return sumTo(e, tensorGradient(name, full, factor), full, b.dims)
}

function transposeLast(context: GradientContext, name: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
  return context.e.emit('Transpose', [name], { perm: { ints: perm } })
}

/**
 * A one-hot gradient times a matrix of weights: each image's target row (`classAxis` 0) or column (1), as the
 * gradient of a tensor of shape `to`, whose last axis (or, for pointwise convolutions, `channelAxis`) it fills.
 */
export function classRows(
  context: GradientContext,
  upstream: OneHotGradient,
  weights: string,
  weightDims: Dims,
  classAxis: 0 | 1,
  to: Dims,
  channelAxis = to.length - 1,
): Gradient {
  const { e } = context
  const { target, dims, axis, factor } = upstream
  const picked = e.emit('Gather', [weights, target], { axis: { int: classAxis } })
  const rows = classAxis === 0 ? picked : e.emit('Transpose', [picked], { perm: { ints: [1, 0] } })
  const images = dims.find((dim) => typeof dim !== 'number') ?? 1
  const rest = classAxis === 0 ? weightDims.slice(1) : [weightDims[0] ?? 1]
  const shape = to.map((_, i) => (i === channelAxis ? (to[i] ?? 1) : i === axis ? 1 : (dims[i] ?? 1)))
  return seedTensor(e, e.reshape(rows, [images, ...rest], shape), shape, factor)
}
