import type { GradientRule } from '../context.ts'
import { slopeAtInput } from './slope.ts'

/** The sign of `x`: 0 at 0. */
export const abs = slopeAtInput((e, x) => e.sign(x))

/** Ceil, Floor, Round, Sign: flat wherever they have a derivative, so nothing comes through. */
export const flat: GradientRule = () => []
