import type { GradientRule } from '../context.ts'
import { gemm, matMul } from './linear.ts'
import { globalAveragePool } from './pool-global.ts'
import { reshape, transpose } from './views.ts'

/** The rule of every operator that gradients pass. Adding an operator is one line here and its file. */
export const RULES: Readonly<Record<string, GradientRule>> = {
  Flatten: reshape,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  MatMul: matMul,
  Reshape: reshape,
  Squeeze: reshape,
  Transpose: transpose,
  Unsqueeze: reshape,
}
