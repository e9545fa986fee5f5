import type { Emitter } from '../emitter.ts'
import { slopeAtInput, slopeAtOutput } from './slope.ts'

export const sin = slopeAtInput((e, x) => e.emit('Cos', [x]))

export const cos = slopeAtInput((e, x) => e.emit('Neg', [e.emit('Sin', [x])]))

/** `1 + y^2`. */
export const tan = slopeAtOutput((e, y) => e.emit('Add', [e.scalar(1), square(e, y)]))

/** `1 / sqrt(1 - x^2)`. */
export const asin = slopeAtInput((e, x) => overRoot(e, e.emit('Sub', [e.scalar(1), square(e, x)])))

/** `-1 / sqrt(1 - x^2)`. */
export const acos = slopeAtInput((e, x) => {
  const slope = overRoot(e, e.emit('Sub', [e.scalar(1), square(e, x)]))
  return e.emit('Neg', [slope])
})

/** `1 / (1 + x^2)`. */
export const atan = slopeAtInput((e, x) => e.emit('Reciprocal', [e.emit('Add', [e.scalar(1), square(e, x)])]))

export const sinh = slopeAtInput((e, x) => e.emit('Cosh', [x]))

export const cosh = slopeAtInput((e, x) => e.emit('Sinh', [x]))

/** `1 / sqrt(x^2 + 1)`. */
export const asinh = slopeAtInput((e, x) => overRoot(e, e.emit('Add', [square(e, x), e.scalar(1)])))

/** `1 / sqrt(x^2 - 1)`. */
export const acosh = slopeAtInput((e, x) => overRoot(e, e.emit('Sub', [square(e, x), e.scalar(1)])))

/** `1 / (1 - x^2)`. */
export const atanh = slopeAtInput((e, x) => e.emit('Reciprocal', [e.emit('Sub', [e.scalar(1), square(e, x)])]))

function square(e: Emitter, x: string): string {
  return e.emit('Mul', [x, x])
}

function overRoot(e: Emitter, x: string): string {
  return e.emit('Reciprocal', [e.emit('Sqrt', [x])])
}
