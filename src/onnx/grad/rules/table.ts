import type { AllOutputsRule, GradientRule } from '../context.ts'
import { clip, hardSigmoid, hardSwish, relu, sigmoid, tanh } from './activations.ts'
import { batchNormalization } from './batch-norm.ts'
import { depthToSpace, spaceToDepth } from './blocks.ts'
import { expand, tile, where } from './broadcasting.ts'
import { cast } from './cast.ts'
import { concat } from './concat.ts'
import { conv } from './conv.ts'
import { convTranspose } from './conv-transpose.ts'
import { cumSum, trilu } from './cumulative.ts'
import { einsum } from './einsum.ts'
import { add, div, mul, neg, sub } from './elementwise.ts'
import { gather, gatherElements, gatherND } from './gather.ts'
import { dropout, identity } from './identity.ts'
import { gemm, matMul } from './linear.ts'
import { pad } from './pad.ts'
import { averagePool } from './pool-average.ts'
import { globalAveragePool, globalMaxPool } from './pool-global.ts'
import { maxPool } from './pool-max.ts'
import { reduceMean, reduceSum } from './reduce.ts'
import { resize } from './resize.ts'
import { slice } from './slice.ts'
import { split } from './split.ts'
import { reshape, transpose } from './views.ts'

/** The rule of every operator that gradients pass. Adding an operator is one line here and its file. */
export const RULES: Readonly<Record<string, GradientRule>> = {
  Add: add,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  Clip: clip,
  Concat: concat,
  Conv: conv,
  ConvTranspose: convTranspose,
  CumSum: cumSum,
  DepthToSpace: depthToSpace,
  Div: div,
  Dropout: dropout,
  Einsum: einsum,
  Expand: expand,
  Flatten: reshape,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
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
  Pad: pad,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  Relu: relu,
  Reshape: reshape,
  Resize: resize,
  Sigmoid: sigmoid,
  Slice: slice,
  SpaceToDepth: spaceToDepth,
  Squeeze: reshape,
  Sub: sub,
  Sum: add,
  Tanh: tanh,
  Tile: tile,
  Transpose: transpose,
  Trilu: trilu,
  Unsqueeze: reshape,
  Upsample: resize,
  Where: where,
}

/** The rules of operators whose outputs all lead on. */
export const RULES_OF_ALL_OUTPUTS: Readonly<Record<string, AllOutputsRule>> = {
  Split: split,
}
