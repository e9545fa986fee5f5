import type { GradientRule } from '../context.ts'

export const identity: GradientRule = (_node, upstream) => [upstream]

/** The identity at inference and where nothing is dropped (Swin); a training mode that is, or may be, on is refused. */
export const dropout: GradientRule = (node, upstream, context) => {
  const asked = node.input[2] ?? ''
  const dropsNothing = context.constant(node, 1)?.[0] === 0
  if (asked !== '' && !dropsNothing && context.constant(node, 2)?.[0] !== 0) {
    throw context.refuse(node, 'it may run in training mode')
  }
  return [upstream]
}
