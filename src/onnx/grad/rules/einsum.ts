import type { NodeProto } from 'onnx-buf'
import { stringAttribute } from '../../messages.ts'
import type { Dim, Dims } from '../../shapes.ts'
import type { GradientContext, GradientRule } from '../context.ts'
import { stretch, tensorGradient, unreshape } from '../gradient.ts'

/**
 * `y = Einsum("a,b,..->y")` is linear in each operand: `da = Einsum("y,b,..->a")`. Labels that only `a` has are equal
 * along their axes; axes of length 1 that were stretched are summed.
 */
export const einsum: GradientRule = (node, upstream, context) => {
  const { e } = context
  const { operands, result } = labelled(node, context)
  const { name: dy, factor } = stretch(e, upstream, context.output(node).dims)
  return operands.map((operand, i) => {
    if (!context.needs(node, i)) return undefined
    const terms = [{ ...result, name: dy }, ...operands.filter((_, k) => k !== i)]
    const present = new Set(terms.flatMap(({ labels }) => labels))
    const labels = operand.labels.filter((label) => present.has(label))
    const equation = `${terms.map((term) => term.labels.join('')).join()}->${labels.join('')}`
    const views = terms.map((term) => e.reshape(term.name, term.dims, term.own))
    const name = e.emit('Einsum', views, { equation: { string: equation } })
    const own = labels.map((label): Dim => operand.own[operand.labels.indexOf(label)] ?? 1)
    const kept = operand.own.map((dim, k): Dim => (present.has(operand.labels[k] ?? '') ? dim : 1))
    const short = tensorGradient(e.reshape(name, own, kept), kept, factor)
    return unreshape(e, short, operand.own, operand.dims)
  })
}

/** A tensor with one label for each axis, `own` being its shape without the axes that are stretched. */
interface Labelled {
  readonly name: string
  readonly dims: Dims
  readonly labels: readonly string[]
  readonly own: Dims
}

function labelled(
  node: NodeProto,
  context: GradientContext,
): { readonly operands: readonly Labelled[]; readonly result: Labelled } {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '')
  const [left = '', right] = equation.split('->')
  const terms = left.split(',')
  const inputs = terms.map((_, i) => context.input(node, i))
  const ellipsis = ellipsisLabels(
    equation,
    terms.map((term, i) => (inputs[i]?.dims.length ?? 0) - letters(term).length),
  )
  const labels = terms.map((term, i) => spell(term, ellipsis, inputs[i]?.dims.length ?? 0))
  const y = context.output(node)
  const output = spell(right ?? implicitResult(terms), ellipsis, y.dims.length)
  if ([...labels, output].some((term) => new Set(term).size < term.length)) {
    throw context.refuse(node, `its equation "${equation}" repeats a label in one operand`)
  }
  const isStretched = (label: string): boolean =>
    labels.some((term, i) => term.some((other, k) => other === label && inputs[i]?.dims[k] !== 1))
  const describe = (name: string, dims: Dims, all: readonly string[]): Labelled => {
    const kept = all.map((label, k) => dims[k] !== 1 || !isStretched(label))
    return { name, dims, labels: all.filter((_, k) => kept[k]), own: dims.filter((_, k) => kept[k]) }
  }
  return {
    operands: inputs.map(({ name, dims }, i) => describe(name, dims, labels[i] ?? [])),
    result: describe(y.name, y.dims, output),
  }
}

function letters(term: string): readonly string[] {
  return [...term.replace('...', '')]
}

/** Letters that the equation does not use, one for each axis of the widest ellipsis. */
function ellipsisLabels(equation: string, ranks: readonly number[]): readonly string[] {
  const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']
  return alphabet.filter((letter) => !equation.includes(letter)).slice(0, Math.max(...ranks, 0))
}

/** One label for each axis; an ellipsis of fewer axes than the widest takes the last of its labels. */
function spell(term: string, ellipsis: readonly string[], rank: number): readonly string[] {
  const [before = '', after] = term.split('...')
  if (after === undefined) return [...before]
  const count = rank - letters(term).length
  return [...before, ...ellipsis.slice(ellipsis.length - count), ...after]
}

/** Without `->`: the ellipsis, then the labels that stand once, in alphabetical order. */
function implicitResult(terms: readonly string[]): string {
  const all = terms.flatMap(letters)
  const once = all.filter((label) => all.indexOf(label) === all.lastIndexOf(label)).sort()
  return `${terms.some((term) => term.includes('...')) ? '...' : ''}${once.join('')}`
}
