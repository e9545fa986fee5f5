import type { HeldClass } from '../against.ts'
import type { ClassScore } from '../explanation.ts'

type Class = Pick<ClassScore, 'index' | 'label'>

/** `tiger cat (282)`, or `class 282` where the model has no labels. */
export function classText({ label, index }: Class): string {
  return label === undefined ? `class ${index}` : `${label} (${index})`
}

/** `14.2 %` of a share of 0.142. */
export function percentText(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : 'not finite'
}

/** A class, and those that it is held against. */
export function explainedText(target: Class, against: readonly HeldClass[]): string {
  return [classText(target), ...against.map(heldText)].join(' ')
}

/** How one of these follows: `minus 0.5 × tabby`. */
export function heldText(held: HeldClass): string {
  const times = Math.abs(held.weight) === 1 ? '' : `${Math.abs(held.weight)} × `
  return `${held.weight < 0 ? 'plus' : 'minus'} ${times}${classText(held)}`
}
