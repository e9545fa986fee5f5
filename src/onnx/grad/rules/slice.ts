import { fromFront, sliceAxes, slicedPlaces } from '../../slices.ts'
import { takenFrom } from '../axes.ts'
import type { GradientRule } from '../context.ts'
import { fixedLength, type Gradient } from '../gradient.ts'

/** Each axis' gradient goes back to the places that were taken, from either end and with any step. */
export const slice: GradientRule = (node, upstream, context) => {
  const { dims } = context.input(node, 0)
  const axes = sliceAxes(node, (index) => context.constant(node, index))
  if (axes === undefined) throw context.refuse(node, 'its bounds are computed')
  const dx = axes.reduce<Gradient>((gradient, { axis: given, ...taken }) => {
    const axis = fromFront(given, dims.length)
    if (typeof dims[axis] === 'object' && takesAll(taken)) return gradient
    const length = fixedLength(dims[axis])
    return takenFrom(context.e, gradient, axis, slicedPlaces(length, taken), length)
  }, upstream)
  return [dx]
}

/** Longer than any batch: how exporters write "to the end". */
const TO_THE_END = 2 ** 31 - 1

function takesAll({ start, end, step }: { readonly start: number; readonly end: number; readonly step: number }) {
  return start === 0 && end >= TO_THE_END && step === 1
}
