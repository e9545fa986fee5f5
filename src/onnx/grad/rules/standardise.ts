import type { Dims } from '../../shapes.ts'
import type { Emitter } from '../emitter.ts'
import { asTensor, type Gradient, type TensorGradient, tensorGradient } from '../gradient.ts'

/** A tensor `x` brought to a mean square of 1 along some axes: `n = centred * inverse`. */
export interface Standardised {
  /** `x - mean(x)`, or `x` itself. */
  readonly centred: string
  /** One over the root of the mean square, of length 1 along the axes. */
  readonly inverse: string
  /** Whether the mean was taken off. */
  readonly mean: 'removed' | 'kept'
}

/** `(x - mean(x)) / sqrt(var(x) + epsilon)` along `axes`. */
export function standardise(e: Emitter, x: string, axes: readonly number[], epsilon: number): Standardised {
  const centred = e.emit('Sub', [x, e.reduceMean(x, axes)])
  return { centred, inverse: inverseRoot(e, centred, axes, epsilon), mean: 'removed' }
}

/** `1 / sqrt(mean(x^2) + epsilon)` along `axes`. */
export function inverseRoot(e: Emitter, x: string, axes: readonly number[], epsilon: number): string {
  const meanSquare = e.reduceMean(e.emit('Mul', [x, x]), axes)
  return e.emit('Reciprocal', [e.emit('Sqrt', [e.emit('Add', [meanSquare, e.scalar(epsilon)])])])
}

/**
 * The gradient at `x` (shape `dims`) from the gradient `g` at `n`:
 * `inverse (g - mean(g) - centred inverse^2 mean(g centred))`, without `mean(g)` where the mean was kept.
 */
export function unstandardise(
  e: Emitter,
  gradient: Gradient,
  { centred, inverse, mean }: Standardised,
  dims: Dims,
  axes: readonly number[],
): TensorGradient {
  const { name: g, factor } = asTensor(e, gradient)
  const along = e.reduceMean(e.emit('Mul', [g, centred]), axes)
  const radial = e.emit('Mul', [centred, e.emit('Mul', [along, e.emit('Mul', [inverse, inverse])])])
  const level = mean === 'removed' ? e.emit('Sub', [g, e.reduceMean(g, axes)]) : g
  return tensorGradient(e.emit('Mul', [e.emit('Sub', [level, radial]), inverse]), dims, factor)
}
