import { intAttribute, stringAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, type Gradient, unreshape, untranspose } from '../gradient.ts'

/** A rearrangement: `from` seen as `split`, its axes permuted, then seen as `to`. */
interface Rearrangement {
  readonly from: Dims
  readonly split: Dims
  readonly perm: readonly number[]
  readonly to: Dims
}

function undo({ e }: GradientContext, upstream: Gradient, { from, split, perm, to }: Rearrangement): Gradient {
  const permuted = perm.map((axis) => split[axis] ?? 1)
  return unreshape(e, untranspose(e, unreshape(e, upstream, to, permuted), perm), split, from)
}

/** Channels moved into `b x b` blocks of pixels: column-row-depth takes the block from the inner channels. */
export const depthToSpace: GradientRule = (node, upstream, context) => {
  const from = context.input(node, 0).dims
  const [n = 1, channels, h = 1, w = 1] = from
  const b = intAttribute(node, 'blocksize', 1)
  const c = fixedLength(channels) / (b * b)
  const isInner = stringAttribute(node, 'mode', 'DCR') === 'CRD'
  const [split, perm] = isInner
    ? [
        [n, c, b, b, h, w],
        [0, 1, 4, 2, 5, 3],
      ]
    : [
        [n, b, b, c, h, w],
        [0, 3, 4, 1, 5, 2],
      ]
  return [undo(context, upstream, { from, split, perm, to: context.output(node).dims })]
}

/** Blocks of `b x b` pixels moved into channels. */
export const spaceToDepth: GradientRule = (node, upstream, context) => {
  const from = context.input(node, 0).dims
  const [n = 1, c = 1, h, w] = from
  const b = intAttribute(node, 'blocksize', 1)
  const split = [n, c, fixedLength(h) / b, b, fixedLength(w) / b, b]
  return [undo(context, upstream, { from, split, perm: [0, 3, 5, 1, 2, 4], to: context.output(node).dims })]
}
