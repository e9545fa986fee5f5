/** Softmax or sigmoid of `logits` (K), in float64. NaN where a softmax has a logit that is not finite. */
export function probabilities(logits: Float32Array, activation: 'softmax' | 'sigmoid'): Float64Array {
  if (activation === 'sigmoid') return Float64Array.from(logits, (z) => 1 / (1 + Math.exp(-z)))
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const powers = Float64Array.from(logits, (z) => Math.exp(z - top))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}
