import { SessError } from '../error.ts'

/** A window's weight is never below this in float32, so that the window still counts in the weighted average. */
export const leastWeight = 1e-30

/** What the scores of all windows say about one target. Arrays run over windows by index. */
export interface WindowScores {
  /** Target's probability; NaN where the window's logits are not finite. */
  readonly probability: Float64Array
  /** Probability over the largest of all windows, 0 where dropped as not finite. */
  readonly weight: Float32Array
  /** Windows that are fused, ascending. */
  readonly kept: readonly number[]
  /** Windows dropped because logits or map are not finite. */
  readonly nonfinite: readonly number[]
}

/**
 * Weights and pre-filter of one target (semantics, section 4).
 * @param logProbability log p of each window, NaN where its logits are not finite
 * @param peak maximum of each window's map, NaN where the map is not finite
 * @param preFilter share of the windows to drop, in [0, 1)
 * @throws SessError `MODEL_NONFINITE` when no window is left
 */
export function scoreWindows(logProbability: Float64Array, peak: Float32Array, preFilter: number): WindowScores {
  const probability = logProbability.map((value) => Math.exp(value))
  const best = logProbability.reduce((top, value) => (value > top ? value : top), Number.NEGATIVE_INFINITY)
  const weight = Float32Array.from(logProbability, (value) =>
    Number.isNaN(value) ? 0 : Math.max(Math.exp(value - best), leastWeight),
  )
  const passes = preFiltered(probability, preFilter)
  const kept: number[] = []
  const nonfinite: number[] = []
  for (let i = 0; i < probability.length; i++) {
    if (Number.isNaN(logProbability[i]) || Number.isNaN(peak[i])) nonfinite.push(i)
    else if (passes(i)) kept.push(i)
  }
  if (kept.length === 0) {
    throw new SessError(
      'MODEL_NONFINITE',
      'The model gives logits or maps that are not finite for every window that the pre-filter keeps (of ' +
        `${logProbability.length}): check the model and its preprocessing (mean, std).`,
    )
  }
  return { probability, weight, kept, nonfinite }
}

/** Whether a window is left when the lowest share of the finite ones is dropped, ties by index. */
function preFiltered(probability: Float64Array, ratio: number): (index: number) => boolean {
  const ascending = probability.filter((p) => !Number.isNaN(p)).sort()
  const dropped = Math.min(Math.floor(ascending.length * ratio), ascending.length - 1)
  const bound = ascending[dropped]
  if (dropped <= 0 || bound === undefined) return () => true
  // Of the windows at the bound itself, the first in index order go with those below it.
  let atBound = dropped - ascending.indexOf(bound)
  const spared = new Set<number>()
  for (let i = 0; i < probability.length; i++) if (probability[i] === bound && atBound-- <= 0) spared.add(i)
  return (index) => (probability[index] ?? 0) > bound || spared.has(index)
}
