import type { NodeProto } from 'onnx-buf'
import { type Graph, nodeReads } from '../graph.ts'
import { isDefaultDomain } from '../operators.ts'
import { tensorsBetween } from '../paths.ts'
import type { Shapes } from '../shapes.ts'
import { GradientContext, type Passing } from './context.ts'
import type { Emitter } from './emitter.ts'
import { add, BatchAxisError, type Gradient } from './gradient.ts'
import { RULES, RULES_OF_ALL_OUTPUTS } from './rules/table.ts'

export type { Passing } from './context.ts'

/**
 * Reverse mode: the gradients of `seed.tensor` (whose own gradient is `seed.gradient`) at `tensors`. Nodes are
 * added only between those tensors and the seed; a tensor that does not lead to the seed has no gradient.
 *
 * Throws `MODEL_UNSUPPORTED` for an operator without a rule, by node and name.
 */
export function buildGradients(options: {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly emitter: Emitter
  readonly seed: { readonly tensor: string; readonly gradient: Gradient }
  readonly tensors: readonly string[]
  readonly passing: Passing
  /** Gets the outputs that rules ask of forward nodes: node, output index, tensor name. */
  readonly extraOutputs: Map<NodeProto, Map<number, string>>
}): ReadonlyMap<string, Gradient> {
  const { graph, shapes, emitter, seed, tensors, passing, extraOutputs } = options
  const wanted = new Set(tensors.flatMap((tensor) => [...tensorsBetween(graph, shapes, tensor, seed.tensor)]))
  const context = new GradientContext({ emitter, graph, shapes, wanted, passing, extraOutputs })
  const gradients = new Map<string, Gradient>([[seed.tensor, seed.gradient]])
  const path = graph.nodes.filter((node) => isAmong(nodeReads(node), wanted) && isAmong(node.output, wanted))
  for (const node of path.reverse()) {
    if (!node.output.some((output) => gradients.has(output))) continue
    const downstream = applyRule(node, gradients, context)
    node.input.forEach((input, i) => {
      const gradient = downstream[i]
      if (gradient === undefined || !wanted.has(input)) return
      const before = gradients.get(input)
      gradients.set(input, before === undefined ? gradient : add(emitter, before, gradient))
    })
  }
  return gradients
}

function isAmong(names: readonly string[], wanted: ReadonlySet<string>): boolean {
  return names.some((name) => wanted.has(name))
}

/** The gradients at the node's inputs; refuses the node rather than leave out one that is asked for. */
function applyRule(
  node: NodeProto,
  gradients: ReadonlyMap<string, Gradient>,
  context: GradientContext,
): readonly (Gradient | undefined)[] {
  const downstream = refusingMixedImages(node, context, () => runRule(node, gradients, context))
  if (downstream.length === 0) return downstream
  const missing = node.input.findIndex((_, i) => context.needs(node, i) && downstream[i] === undefined)
  if (missing >= 0) {
    throw context.refuse(node, `its input "${node.input[missing]}" is computed from the image`)
  }
  return downstream
}

function runRule(
  node: NodeProto,
  gradients: ReadonlyMap<string, Gradient>,
  context: GradientContext,
): readonly (Gradient | undefined)[] {
  const upstreams = node.output.map((output) => gradients.get(output))
  const operator = isDefaultDomain(node.domain) ? node.opType : `${node.domain}.${node.opType}`
  const ofAllOutputs = RULES_OF_ALL_OUTPUTS[operator]
  if (ofAllOutputs !== undefined) return ofAllOutputs(node, upstreams, context)
  const rule = RULES[operator]
  if (rule === undefined) throw context.refuseOperator(node)
  const other = upstreams.findIndex((upstream, i) => i > 0 && upstream !== undefined)
  const [upstream] = upstreams
  if (other > 0 || upstream === undefined) {
    throw context.refuse(node, `its output ${other + 1} is used on the way to the logits`)
  }
  return rule(node, upstream, context)
}

function refusingMixedImages<T>(node: NodeProto, context: GradientContext, rule: () => T): T {
  try {
    return rule()
  } catch (cause) {
    throw cause instanceof BatchAxisError ? context.refuse(node, 'it mixes the images of a batch') : cause
  }
}
