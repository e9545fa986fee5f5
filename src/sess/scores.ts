import { SessError } from '../error.ts'

/** A window's weight is never below this in float32, so that the window still counts in the weighted average. */
const leastWeight = 1e-30

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
  const finite = [...logProbability.keys()].filter((i) => !Number.isNaN(logProbability[i]))
  const best = finite.reduce((top, i) => Math.max(top, logProbability[i] ?? top), Number.NEGATIVE_INFINITY)
  const weight = new Float32Array(logProbability.length)
  for (const i of finite) weight[i] = Math.max(Math.exp((logProbability[i] ?? 0) - best), leastWeight)
  const probability = logProbability.map((value) => Math.exp(value))
  const ascending = finite.sort((a, b) => (probability[a] ?? 0) - (probability[b] ?? 0) || a - b)
  const dropped = Math.min(Math.floor(ascending.length * preFilter), ascending.length - 1)
  const kept = ascending.slice(dropped).filter((i) => !Number.isNaN(peak[i]))
  if (kept.length === 0) {
    throw new SessError(
      'MODEL_NONFINITE',
      'The model gives logits or maps that are not finite for every window that the pre-filter keeps (of ' +
        `${logProbability.length}): check the model and its preprocessing (mean, std).`,
    )
  }
  const nonfinite = [...logProbability.keys()].filter((i) => Number.isNaN(logProbability[i]) || Number.isNaN(peak[i]))
  return { probability, weight, kept: kept.sort((a, b) => a - b), nonfinite }
}
