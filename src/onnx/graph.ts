import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf'
import { unreadable, unsupported } from './errors.ts'
import { intAttribute } from './messages.ts'
import { isKnownDomain, isKnownOperator } from './operators.ts'
import type { ReadModel } from './proto.ts'

/** Operator sets of the default domain that ONNX Runtime 1.30 runs (27 is refused when a session opens). */
const OPSETS = { oldest: 7, newest: 26 } as const

/** A model's graph with its topology. Never mutated. */
export interface Graph {
  readonly name: string
  readonly proto: ModelProto
  readonly externalFolder: string | undefined
  readonly opset: number
  /** Graph inputs that are no initializers. */
  readonly inputs: readonly ValueInfoProto[]
  readonly outputs: readonly ValueInfoProto[]
  /** In topological order. */
  readonly nodes: readonly NodeProto[]
  readonly producers: ReadonlyMap<string, NodeProto>
  readonly consumers: ReadonlyMap<string, readonly NodeProto[]>
  readonly initializers: ReadonlyMap<string, TensorProto>
}

/**
 * Checks a model and lays out its topology.
 *
 * Throws `MODEL_UNREADABLE` for cycles and tensors that nothing produces, `MODEL_UNSUPPORTED` for operator sets and
 * operators that are not known, training-mode normalisation and graphs without an output.
 */
export function readGraph({ name, proto, externalFolder }: ReadModel): Graph {
  const graph = proto.graph
  if (graph === undefined) throw unreadable(name, 'holds no ONNX graph')
  const opset = defaultOpset(name, proto)
  for (const node of graph.node) checkOperator(name, proto, node)
  if (graph.output.length === 0) throw unsupported(name, 'has no output; export it again with its logits as output')
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]))
  const sparse = graph.sparseInitializer.flatMap((tensor) => (tensor.values ? [tensor.values.name] : []))
  const inputs = graph.input.filter((input) => !initializers.has(input.name))
  const given = new Set([...initializers.keys(), ...sparse, ...inputs.map((input) => input.name)])
  const producers = mapProducers(name, graph)
  const nodes = sortNodes(name, graph, producers, given)
  for (const output of graph.output) {
    if (!producers.has(output.name) && !given.has(output.name)) {
      throw unreadable(name, `promises output "${output.name}", which nothing produces`)
    }
  }
  const consumers = mapConsumers(nodes)
  return {
    name,
    proto,
    externalFolder,
    opset,
    inputs,
    outputs: graph.output,
    nodes,
    producers,
    consumers,
    initializers,
  }
}

/** `node "conv1" (Conv)`: how messages name a node. */
export function describeNode(node: NodeProto): string {
  const operator = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`
  return `node "${node.name || (node.output.find((output) => output !== '') ?? '')}" (${operator})`
}

/** Everything a node reads: its inputs, and what its subgraphs take from around them. Empty names left out. */
export function nodeReads(node: NodeProto): readonly string[] {
  const subgraphs = node.attribute.flatMap((attribute) => [...(attribute.g ? [attribute.g] : []), ...attribute.graphs])
  const reads = subgraphs.length === 0 ? node.input : [...node.input, ...subgraphs.flatMap(freeNames)]
  return reads.filter((read) => read !== '')
}

function freeNames(graph: GraphProto): readonly string[] {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name))
  for (const node of graph.node) for (const output of node.output) own.add(output)
  return graph.node
    .flatMap(nodeReads)
    .concat(graph.output.map(({ name }) => name))
    .filter((read) => !own.has(read))
}

function defaultOpset(name: string, proto: ModelProto): number {
  const version = Number(proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n)
  if (version < OPSETS.oldest || version > OPSETS.newest) {
    const range = `${OPSETS.oldest} to ${OPSETS.newest}`
    throw unsupported(
      name,
      `uses operator set ${version}; supported are ${range}: convert it with onnx.version_converter`,
    )
  }
  return version
}

function checkOperator(name: string, proto: ModelProto, node: NodeProto): void {
  const isLocal = proto.functions.some((f) => f.domain === node.domain && f.name === node.opType)
  if (isLocal) return
  if (!isKnownDomain(node.domain)) {
    throw unsupported(name, `has ${describeNode(node)}, a custom operator that ONNX Runtime does not know`)
  }
  if (!isKnownOperator(node.domain, node.opType)) {
    throw unsupported(name, `has ${describeNode(node)}, which is no operator of ONNX`)
  }
  const trains = node.opType === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) !== 0
  if (trains) {
    throw unsupported(name, `has ${describeNode(node)} in training mode; export the model in evaluation mode`)
  }
}

function mapProducers(name: string, graph: GraphProto): ReadonlyMap<string, NodeProto> {
  const producers = new Map<string, NodeProto>()
  for (const node of graph.node) {
    for (const output of node.output.filter((o) => o !== '')) {
      if (producers.has(output)) throw unreadable(name, `produces tensor "${output}" twice`)
      producers.set(output, node)
    }
  }
  return producers
}

function mapConsumers(nodes: readonly NodeProto[]): ReadonlyMap<string, readonly NodeProto[]> {
  const consumers = new Map<string, NodeProto[]>()
  for (const node of nodes) {
    for (const read of new Set(nodeReads(node))) {
      const list = consumers.get(read)
      if (list === undefined) consumers.set(read, [node])
      else list.push(node)
    }
  }
  return consumers
}

/** Kahn's algorithm: every node behind those that it reads from. */
function sortNodes(
  name: string,
  graph: GraphProto,
  producers: ReadonlyMap<string, NodeProto>,
  given: ReadonlySet<string>,
): readonly NodeProto[] {
  const waiting = new Map<NodeProto, number>()
  const feeds = new Map<NodeProto, NodeProto[]>()
  for (const node of graph.node) {
    const before = new Set<NodeProto>()
    for (const read of nodeReads(node)) {
      const producer = producers.get(read)
      if (producer !== undefined) before.add(producer)
      else if (!given.has(read)) {
        throw unreadable(name, `has ${describeNode(node)}, whose input "${read}" nothing produces`)
      }
    }
    waiting.set(node, before.size)
    for (const producer of before) {
      const fed = feeds.get(producer)
      if (fed === undefined) feeds.set(producer, [node])
      else fed.push(node)
    }
  }
  const sorted = graph.node.filter((node) => waiting.get(node) === 0)
  for (let i = 0; i < sorted.length; i++) {
    const node = sorted[i]
    for (const next of (node && feeds.get(node)) ?? []) {
      const left = (waiting.get(next) ?? 0) - 1
      waiting.set(next, left)
      if (left === 0) sorted.push(next)
    }
  }
  if (sorted.length < graph.node.length) {
    const stuck = graph.node.find((node) => (waiting.get(node) ?? 0) > 0)
    throw unreadable(name, `runs in a circle${stuck ? ` through ${describeNode(stuck)}` : ''}`)
  }
  return sorted
}
