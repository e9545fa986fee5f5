import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute } from '../../messages.ts'
import type { Dims } from '../../shapes.ts'
import { fromFront } from '../../slices.ts'
import { takenFrom } from '../axes.ts'
import type { AllOutputsRule, GradientContext } from '../context.ts'
import type { Emitter } from '../emitter.ts'
import { broadcast, fixedLength, type Gradient, settleOnWay, stretch, tensorGradient } from '../gradient.ts'

interface Part {
  readonly gradient: Gradient
  readonly start: number
  readonly size: number
}

/** The gradients of the parts that are used, joined and set where the parts were. */
export const split: AllOutputsRule = (node, upstreams, context) => {
  const { e } = context
  const { dims } = context.input(node, 0)
  const axis = fromFront(intAttribute(node, 'axis', 0), dims.length)
  const length = fixedLength(dims[axis])
  const sizes = partSizes(node, length, context)
  const parts = upstreams.flatMap((gradient, i): readonly Part[] =>
    gradient === undefined ? [] : [{ gradient, start: sum(sizes.slice(0, i)), size: sizes[i] ?? 0 }],
  )
  const places = parts.flatMap(({ start, size }) => range(start, size))
  return [takenFrom(e, join(e, parts, axis), axis, places, length)]
}

function join(e: Emitter, parts: readonly Part[], axis: number): Gradient {
  const [first, ...others] = parts
  if (first !== undefined && others.length === 0) return first.gradient
  const across = parts.map(({ gradient }) => gradient.dims.with(axis, 1)).reduce<Dims>(broadcast, [])
  const settled = parts.map(({ gradient, size }) => settleOnWay(e, stretch(e, gradient, across.with(axis, size))))
  const names = settled.map(({ name }) => name)
  const whole = across.with(axis, sum(parts.map(({ size }) => size)))
  return tensorGradient(e.emit('Concat', names, { axis: { int: axis } }), whole, settled[0]?.factor)
}

/** As given, or else equal parts of which the last may be smaller. */
function partSizes(node: NodeProto, length: number, context: GradientContext): readonly number[] {
  const count = node.output.length
  const isInput = (node.input[1] ?? '') !== ''
  const given = isInput ? context.constant(node, 1) : intsAttribute(node, 'split')
  if (isInput && given === undefined) throw context.refuse(node, 'the sizes of its parts are computed')
  const part = Math.ceil(length / count)
  return given ?? range(0, count).map((i) => Math.min(part, length - i * part))
}

function range(start: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => start + i)
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
