import type { GradientRule } from '../context.ts'

export const identity: GradientRule = (_node, upstream) => [upstream]

/** The identity at inference; a training mode that is switched on, or may be, is refused. */
export const dropout: GradientRule = (node, upstream, context) => {
  const asked = node.input[2] ?? ''
  if (asked !== '' && context.constant(node, 2)?.[0] !== 0) {
    throw context.refuse(node, 'it may run in training mode')
  }
  return [upstream]
}
