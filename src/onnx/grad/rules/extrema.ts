import type { GradientRule } from '../context.ts'
import { divide, multiply } from '../gradient.ts'
import { each } from './elementwise.ts'
import { keptOutput, reduction, unreduced } from './reduce.ts'

/** Inputs that are equal to the extreme share its gradient evenly (as torch.maximum); `worse` tells the others. */
function extremum(worse: 'Less' | 'Greater'): GradientRule {
  return (node, upstream, context) => {
    const { e } = context
    if (node.input.length === 1) return [upstream]
    const y = context.output(node)
    const isExtreme = (x: string): string => e.toFloat(e.emit('Not', [e.emit(worse, [x, y.name])]))
    const share = divide(e, upstream, e.emit('Sum', node.input.map(isExtreme)), y.dims)
    return each(node, context, (i) => multiply(e, share, isExtreme(node.input[i] ?? ''), y.dims))
  }
}

export const max = extremum('Less')
export const min = extremum('Greater')

/** Numbers that are equal to the extreme share its gradient evenly (as torch.amax); `worse` tells the others. */
function reduceExtremum(worse: 'Less' | 'Greater'): GradientRule {
  return (node, upstream, context) => {
    const { e } = context
    const x = context.input(node, 0)
    const { axes, kept } = reduction(node, context)
    const isExtreme = e.toFloat(e.emit('Not', [e.emit(worse, [x.name, keptOutput(node, context)])]))
    const share = divide(e, unreduced(node, upstream, context), e.reduceSum(isExtreme, axes), kept)
    return [multiply(e, share, isExtreme, x.dims)]
  }
}

export const reduceMax = reduceExtremum('Less')
export const reduceMin = reduceExtremum('Greater')
