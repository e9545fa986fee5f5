import type { NodeProto } from 'onnx-buf'
import type { Graph } from '../graph.ts'
import { isDefaultDomain } from '../operators.ts'

interface Refusal {
  readonly why: string
  /** Follows "Choose a target layer nearer to the logits (--layer), ". */
  readonly advice: string
}

const WITHOUT = 'or export the model without it'

const SUBGRAPHS: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan', 'SequenceMap'])

/** Operators that pick places by comparing values; where they stand the gradient jumps. */
const SELECTIONS: ReadonlySet<string> = new Set(
  'ArgMax ArgMin Compress MaxRoiPool NonMaxSuppression NonZero RoiAlign TopK Unique'.split(' '),
)

/** Why no gradient passes a node whose operator has no rule, and what to do about it. */
export function whyNoRule({ proto }: Graph, node: NodeProto): Refusal {
  if (proto.functions.some(({ domain, name }) => domain === node.domain && name === node.opType)) {
    return { why: 'it is a function of the model itself', advice: 'or inline it with onnx.inliner' }
  }
  if (/quant|QLinear|Integer/i.test(node.opType)) {
    return { why: 'quantised operators have no gradient', advice: 'or use the model as it was before quantisation' }
  }
  if (!isDefaultDomain(node.domain)) {
    return {
      why: `operators of the domain "${node.domain}" have no gradient rule`,
      advice: 'or export the model with operators of ONNX alone, unoptimised',
    }
  }
  if (SUBGRAPHS.has(node.opType)) {
    return {
      why: 'its subgraph runs only when the model does',
      advice: 'or export the model with its branches and loops resolved',
    }
  }
  if (SELECTIONS.has(node.opType)) return { why: 'it selects by comparing values', advice: WITHOUT }
  return { why: 'the operator has no gradient rule', advice: WITHOUT }
}
