import type { NodeProto } from 'onnx-buf'
import { intsAttribute, stringAttribute } from '../../messages.ts'
import { fromFront } from '../../slices.ts'
import { OUTSIDE, takenFrom } from '../axes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { fixedLength, type Gradient } from '../gradient.ts'

/** What a mode puts `before` numbers in front of the first, and so on: the place that is read, or OUTSIDE. */
const MODES: Readonly<Record<string, (place: number, length: number) => number>> = {
  constant: (place, length) => (place < 0 || place >= length ? OUTSIDE : place),
  edge: (place, length) => Math.min(Math.max(place, 0), length - 1),
  reflect: (place, length) => {
    const period = Math.max(2 * (length - 1), 1)
    const within = floorMod(place, period)
    return Math.min(within, period - within)
  },
  wrap: (place, length) => floorMod(place, length),
}

/** Each place gets the sum of its copies; negative pads cut off first. */
export const pad: GradientRule = (node, upstream, context) => {
  const { dims } = context.input(node, 0)
  const mode = MODES[stringAttribute(node, 'mode', 'constant')]
  if (mode === undefined) throw context.refuse(node, 'its mode is not known')
  const dx = paddedAxes(node, dims.length, context).reduce<Gradient>((gradient, { axis, before, after }) => {
    if (before === 0 && after === 0) return gradient
    const length = fixedLength(dims[axis])
    const [first, last] = [Math.max(-before, 0), length - Math.max(-after, 0)]
    const places = Array.from({ length: length + before + after }, (_, i) => {
      const place = mode(i - Math.max(before, 0), last - first)
      return place === OUTSIDE ? OUTSIDE : place + first
    })
    return takenFrom(context.e, gradient, axis, places, length)
  }, upstream)
  return [dx]
}

interface PaddedAxis {
  readonly axis: number
  readonly before: number
  readonly after: number
}

function paddedAxes(node: NodeProto, rank: number, context: GradientContext): readonly PaddedAxis[] {
  const pads = intsAttribute(node, 'pads') ?? context.constant(node, 1)
  const isChosen = (node.input[3] ?? '') !== ''
  const chosen = isChosen ? context.constant(node, 3) : Array.from({ length: rank }, (_, i) => i)
  if (pads === undefined || chosen === undefined) throw context.refuse(node, 'its pads are computed')
  return chosen.map((axis, i) => ({
    axis: fromFront(axis, rank),
    before: pads[i] ?? 0,
    after: pads[i + chosen.length] ?? 0,
  }))
}

function floorMod(a: number, b: number): number {
  return ((a % b) + b) % b
}
