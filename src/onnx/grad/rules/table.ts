import type { GradientRule } from '../context.ts'
import { clip, hardSigmoid, hardSwish, relu, sigmoid, tanh } from './activations.ts'
import { batchNormalization } from './batch-norm.ts'
import { concat } from './concat.ts'
import { conv } from './conv.ts'
import { add, div, mul, neg, sub } from './elementwise.ts'
import { dropout, identity } from './identity.ts'
import { gemm, matMul } from './linear.ts'
import { averagePool } from './pool-average.ts'
import { globalAveragePool, globalMaxPool } from './pool-global.ts'
import { maxPool } from './pool-max.ts'
import { reduceMean, reduceSum } from './reduce.ts'
import { reshape, transpose } from './views.ts'

/** The rule of every operator that gradients pass. Adding an operator is one line here and its file. */
export const RULES: Readonly<Record<string, GradientRule>> = {
  Add: add,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Clip: clip,
  Concat: concat,
  Conv: conv,
  Div: div,
  Dropout: dropout,
  Flatten: reshape,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  Identity: identity,
  MatMul: matMul,
  MaxPool: maxPool,
  Mul: mul,
  Neg: neg,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  Relu: relu,
  Reshape: reshape,
  Sigmoid: sigmoid,
  Squeeze: reshape,
  Sub: sub,
  Sum: add,
  Tanh: tanh,
  Transpose: transpose,
  Unsqueeze: reshape,
}
