import { resolveTarget } from './models/labels.ts'
import type { ExplainOptions } from './options.ts'

/** A class that the explained one is held against. */
export interface HeldClass {
  readonly index: number
  readonly label: string | undefined
  /** How much of its logit is taken away (less than 0: added). */
  readonly weight: number
}

/**
 * The classes that the option names, in its order; none where it is not given.
 * @throws SessError `TARGET_*`
 */
export function resolveAgainst(
  against: ExplainOptions['against'],
  model: { readonly labels: readonly string[] | undefined; readonly classes: number },
): readonly HeldClass[] {
  if (against === undefined) return []
  const given = typeof against === 'object' ? against : [{ target: against, weight: 1 }]
  return given.map(({ target, weight }) => {
    const index = resolveTarget(target, model.labels, model.classes, 'against')
    return { index, label: model.labels?.[index], weight }
  })
}

/** What is added to the logit of each target: K numbers, or undefined where it is held against nothing. */
export function coefficientsOf(held: readonly HeldClass[], classes: number): Float32Array | undefined {
  if (held.length === 0) return undefined
  const coefficients = new Float32Array(classes)
  for (const { index, weight } of held) coefficients[index] = (coefficients[index] ?? 0) - weight
  return coefficients
}
