import type { AllOutputsRule, GradientRule } from '../context.ts'
import { clip, hardSigmoid, hardSwish, relu, sigmoid, tanh } from './activations.ts'
import { batchNormalization } from './batch-norm.ts'
import { depthToSpace, spaceToDepth } from './blocks.ts'
import { expand, tile, where } from './broadcasting.ts'
import { cast, castLike } from './cast.ts'
import { concat } from './concat.ts'
import { conv, fusedConv } from './conv.ts'
import { convTranspose } from './conv-transpose.ts'
import { cumSum, trilu } from './cumulative.ts'
import { einsum } from './einsum.ts'
import { add, div, mean, mod, mul, neg, sub } from './elementwise.ts'
import { celu, elu, selu } from './exponential-units.ts'
import { exp, log } from './exponentials.ts'
import { max, min, reduceMax, reduceMin } from './extrema.ts'
import { gather, gatherElements, gatherND } from './gather.ts'
import { biasGelu, erf, fastGelu, gelu } from './gelu.ts'
import { dropout, identity } from './identity.ts'
import { groupNormalization, instanceNormalization } from './instance-norm.ts'
import { layerNormalization, rmsNormalization } from './layer-norm.ts'
import { gemm, matMul } from './linear.ts'
import { lpNormalization } from './lp-norm.ts'
import { lrn } from './lrn.ts'
import { pad } from './pad.ts'
import { averagePool } from './pool-average.ts'
import { globalAveragePool, globalMaxPool } from './pool-global.ts'
import { maxPool } from './pool-max.ts'
import { pow, reciprocal, sqrt } from './powers.ts'
import { leakyRelu, pRelu, shrink, thresholdedRelu } from './rectifiers.ts'
import { reduceMean, reduceProd, reduceSum } from './reduce.ts'
import { reduceLogSum, reduceLogSumExp } from './reduce-logs.ts'
import { globalLpPool, reduceL1, reduceL2, reduceSumSquare } from './reduce-norms.ts'
import { resize } from './resize.ts'
import { scatterElements, scatterND } from './scatter.ts'
import { skipLayerNormalization, skipRmsNormalization } from './skip-norm.ts'
import { slice } from './slice.ts'
import { mish, quickGelu, softplus, softsign, swish } from './soft-activations.ts'
import { logSoftmax, softmax } from './softmax.ts'
import { split } from './split.ts'
import { abs, flat } from './steps.ts'
import { acos, acosh, asin, asinh, atan, atanh, cos, cosh, sin, sinh, tan } from './trigonometry.ts'
import { reshape, transpose } from './views.ts'

/** The rule of every operator that gradients pass, with its domain where it is not ONNX's own. Adding an operator is one line here and its file. */
export const RULES: Readonly<Record<string, GradientRule>> = {
  Abs: abs,
  Acos: acos,
  Acosh: acosh,
  Add: add,
  Asin: asin,
  Asinh: asinh,
  Atan: atan,
  Atanh: atanh,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  CastLike: castLike,
  Ceil: flat,
  Celu: celu,
  Clip: clip,
  Concat: concat,
  Conv: conv,
  ConvTranspose: convTranspose,
  Cos: cos,
  Cosh: cosh,
  CumSum: cumSum,
  DepthToSpace: depthToSpace,
  Div: div,
  Dropout: dropout,
  Einsum: einsum,
  Elu: elu,
  Erf: erf,
  Exp: exp,
  Expand: expand,
  Flatten: reshape,
  Floor: flat,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  Gelu: gelu,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalLpPool: globalLpPool,
  GlobalMaxPool: globalMaxPool,
  GroupNormalization: groupNormalization,
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  Identity: identity,
  InstanceNormalization: instanceNormalization,
  LRN: lrn,
  LayerNormalization: layerNormalization,
  LeakyRelu: leakyRelu,
  Log: log,
  LogSoftmax: logSoftmax,
  LpNormalization: lpNormalization,
  MatMul: matMul,
  Max: max,
  MaxPool: maxPool,
  Mean: mean,
  Min: min,
  Mish: mish,
  Mod: mod,
  Mul: mul,
  Neg: neg,
  PRelu: pRelu,
  Pad: pad,
  Pow: pow,
  RMSNormalization: rmsNormalization,
  Reciprocal: reciprocal,
  ReduceL1: reduceL1,
  ReduceL2: reduceL2,
  ReduceLogSum: reduceLogSum,
  ReduceLogSumExp: reduceLogSumExp,
  ReduceMax: reduceMax,
  ReduceMean: reduceMean,
  ReduceMin: reduceMin,
  ReduceProd: reduceProd,
  ReduceSum: reduceSum,
  ReduceSumSquare: reduceSumSquare,
  Relu: relu,
  Reshape: reshape,
  Resize: resize,
  Round: flat,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Selu: selu,
  Shrink: shrink,
  Sigmoid: sigmoid,
  Sign: flat,
  Sin: sin,
  Sinh: sinh,
  Slice: slice,
  Softmax: softmax,
  Softplus: softplus,
  Softsign: softsign,
  SpaceToDepth: spaceToDepth,
  Sqrt: sqrt,
  Squeeze: reshape,
  Sub: sub,
  Sum: add,
  Swish: swish,
  Tan: tan,
  Tanh: tanh,
  ThresholdedRelu: thresholdedRelu,
  Tile: tile,
  Transpose: transpose,
  Trilu: trilu,
  Unsqueeze: reshape,
  Upsample: resize,
  Where: where,
  'com.microsoft.BiasGelu': biasGelu,
  'com.microsoft.FastGelu': fastGelu,
  'com.microsoft.FusedConv': fusedConv,
  'com.microsoft.Gelu': gelu,
  'com.microsoft.QuickGelu': quickGelu,
}

/** The rules of operators whose outputs all lead on. */
export const RULES_OF_ALL_OUTPUTS: Readonly<Record<string, AllOutputsRule>> = {
  Split: split,
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipRmsNormalization,
}
