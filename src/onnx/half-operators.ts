import type { NodeProto } from 'onnx-buf'
import { isDefaultDomain } from './operators.ts'

/** How an operator is computed in a model that is narrowed to float16. */
export type HalfForm =
  /** In float16, whatever its inputs are: what the time goes into, and what GPUs sum in float32. */
  | { readonly kind: 'product' }
  /** In float16 where what it reads is; `inputs` are the places that share its type, all of them unless given. */
  | { readonly kind: 'follows'; readonly inputs?: readonly number[]; readonly outputs: 'all' | 'first' | 'none' }

const PRODUCTS = 'Conv ConvTranspose Gemm MatMul'

/** Each number from a few others, and no smaller or larger by orders of magnitude. */
const POINTWISE = `Abs Add Clip Div Elu Erf Gelu HardSigmoid HardSwish Identity LeakyRelu Max Min Mul Neg PRelu Relu
  Selu Sigmoid Sign Softsign Sub Sum Tanh ThresholdedRelu`

/** Numbers from one place to another, told by inputs that are no such numbers. */
const MOVING = `DepthToSpace Expand Flatten Gather GatherElements GatherND Reshape Resize Slice SpaceToDepth
  Squeeze Tile Transpose Trilu Unsqueeze Upsample`

const MEANS = 'AveragePool GlobalAveragePool GlobalMaxPool'
const TESTS = 'Equal Greater GreaterOrEqual Less LessOrEqual'

const follows = (outputs: 'all' | 'first' | 'none', inputs?: readonly number[]): HalfForm => ({
  kind: 'follows',
  outputs,
  ...(inputs !== undefined && { inputs }),
})

/**
 * The operators that have a float16 form in every operator set that has them, and keep their numbers in it. All others
 * stay in float32, much as in PyTorch's autocast: what squares, raises or divides one by its input leaves the range of
 * float16 (Pow, Exp, Log, Sqrt, Reciprocal, LRN, norms, the variances of BatchNormalization), and so do sums over many
 * numbers (Reduce*, Softmax, ScatterElements that adds). LayerNormalization sums in float32 by its own definition.
 */
const FORMS: ReadonlyMap<string, HalfForm> = new Map<string, HalfForm>([
  ...named(PRODUCTS, { kind: 'product' }),
  ...named(`${POINTWISE} ${MEANS}`, follows('all')),
  ...named('Concat', follows('all')),
  ...named(`${MOVING} Split`, follows('all', [0])),
  ...named('Pad', follows('all', [0, 2])),
  ...named('Where', follows('all', [1, 2])),
  ...named('Dropout', follows('first', [0])),
  ...named('MaxPool', follows('first')), // the second output is indices
  ...named('LayerNormalization', follows('first')), // the others are statistics in float32
  ...named(TESTS, follows('none')),
  ...named('Shape Size', follows('none')),
])

function named(names: string, form: HalfForm): readonly (readonly [string, HalfForm])[] {
  return names.split(/\s+/).map((name) => [name, form])
}

/** Where ONNX Runtime's CUDA provider has no float16 kernel before this operator set: it would leave the node to the processor. */
const SINCE: ReadonlyMap<string, number> = new Map([['Clip', 12]])

/** Undefined for what stays in float32. */
export function halfForm(node: NodeProto, opset: number): HalfForm | undefined {
  if (!isDefaultDomain(node.domain) || opset < (SINCE.get(node.opType) ?? 0)) return undefined
  return FORMS.get(node.opType)
}

const TRUTHS: ReadonlySet<string> = new Set([...TESTS.split(' '), 'And', 'IsInf', 'IsNaN', 'Not', 'Or', 'Xor'])

/** Whether a node's output is 0s and 1s, which lose nothing. */
export function givesTruths(node: NodeProto): boolean {
  return isDefaultDomain(node.domain) && TRUTHS.has(node.opType)
}
