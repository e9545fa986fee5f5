import { type NodeProto, NodeProtoSchema, type TensorProto, TensorProto_DataType } from 'onnx-buf'
import { unsupported } from './errors.ts'
import { describeNode, nodeReads } from './graph.ts'
import { type Misfit, misfitOf } from './half.ts'
import { givesTruths, type HalfForm, halfForm } from './half-operators.ts'
import { intAttribute, makeNode, revise, tensorAttribute } from './messages.ts'

const { FLOAT, FLOAT16 } = TensorProto_DataType

/** A graph to be narrowed. */
interface FloatGraph {
  /** Of the model, for messages. */
  readonly name: string
  /** Of ONNX's own domain. */
  readonly opset: number
  /** In topological order. */
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  /** Graph outputs, which stay float32. */
  readonly outputs: readonly string[]
  /** Initializers with numbers that no float16 holds, among those that are not inline. */
  readonly beyondHalf: ReadonlySet<string>
  /** Nodes that stay in float32 whatever they are. */
  readonly exact: ReadonlySet<NodeProto>
  /** Whether a tensor is known to be of another type than float32. */
  readonly isOther: (tensor: string) => boolean
  readonly freshName: (stem: string) => string
}

/**
 * The nodes of a float32 graph, rewritten to compute in float16 (`half-operators.ts` says which), with Casts where the
 * two meet: each tensor is cast at most once, before its first such reader. Inputs, outputs and weights keep names and
 * types. ONNX Runtime folds the Casts of weights when a session opens, so that none is encoded again.
 *
 * An operator that follows stays in float32 where a constant of it does not fit (bounds, masks, epsilons).
 * @throws SessError `MODEL_UNSUPPORTED` for a weight of a product that does not fit
 */
export function narrowNodes(graph: FloatGraph): readonly NodeProto[] {
  const narrowing = new Narrowing(graph)
  for (const node of graph.nodes) narrowing.take(node)
  for (const output of graph.outputs) narrowing.full(output)
  return narrowing.nodes
}

/** A weight that does not fit: the initializer or Constant, and why. */
interface MisfitWeight {
  readonly name: string
  readonly why: Misfit
}

class Narrowing {
  readonly nodes: NodeProto[] = []
  readonly #graph: FloatGraph
  readonly #initializers: ReadonlyMap<string, TensorProto>
  /** What follows from weights alone, and what of them does not fit. */
  readonly #constants = new Map<string, MisfitWeight | undefined>()
  /** Tensors in float16, by the name they have in the float32 graph. */
  readonly #halves = new Map<string, string>()
  /** Tensors that a node made in float16; the others of `#halves` are copies. */
  readonly #narrowed = new Set<string>()
  /** Those of them, and masks, that exist under their own name too. */
  readonly #widened = new Set<string>()
  /** Truths as floats, by the truths: made in the type that is asked for. */
  readonly #masks = new Map<string, string>()
  readonly #truths = new Set<string>()

  constructor(graph: FloatGraph) {
    this.#graph = graph
    this.#initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]))
  }

  take(node: NodeProto): void {
    if (givesTruths(node)) for (const output of node.output) this.#truths.add(output)
    if (this.#isConstant(node)) this.#takeConstant(node)
    else if (isCastToFloat(node)) this.#takeCast(node)
    else if (this.#isNarrowed(node)) this.#narrow(node)
    else this.#keep(node)
  }

  /** A tensor by its own name and type, where a node or the outside reads it so. */
  full(name: string): void {
    const from = this.#masks.get(name) ?? (this.#narrowed.has(name) ? this.#half(name) : undefined)
    if (from === undefined || this.#widened.has(name)) return
    this.#cast(from, name, FLOAT)
    this.#widened.add(name)
  }

  #half(name: string): string {
    const known = this.#halves.get(name)
    if (known !== undefined) return known
    const half = this.#graph.freshName(`half_${name}`)
    this.#cast(this.#masks.get(name) ?? name, half, FLOAT16)
    this.#halves.set(name, half)
    return half
  }

  #cast(from: string, to: string, type: TensorProto_DataType): void {
    this.nodes.push(makeNode('Cast', [from], [to], { to: { int: type } }, this.#graph.freshName(`cast_${from}`)))
  }

  #isConstant(node: NodeProto): boolean {
    const reads = nodeReads(node)
    return node.opType === 'Constant' || (reads.length > 0 && reads.every((name) => this.#isWeight(name)))
  }

  #isWeight(name: string): boolean {
    return this.#initializers.has(name) || this.#constants.has(name)
  }

  #takeConstant(node: NodeProto): void {
    const value = node.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined
    const misfit =
      value === undefined ? this.#misfitAmong(nodeReads(node)) : named(node.output[0] ?? '', misfitOf(value))
    for (const output of node.output) this.#constants.set(output, misfit)
    this.nodes.push(node)
  }

  #misfitAmong(names: readonly string[]): MisfitWeight | undefined {
    return names.map((name) => this.#misfit(name)).find((misfit) => misfit !== undefined)
  }

  #misfit(name: string): MisfitWeight | undefined {
    const tensor = this.#initializers.get(name)
    if (tensor !== undefined && !this.#constants.has(name)) {
      this.#constants.set(name, named(name, this.#graph.beyondHalf.has(name) ? 'large' : misfitOf(tensor)))
    }
    return this.#constants.get(name)
  }

  /** To float32: of truths, when it is asked for; of what is in float16 already, nothing. */
  #takeCast(node: NodeProto): void {
    const [from = '', to = ''] = [node.input[0], node.output[0]]
    if (this.#truths.has(from)) {
      this.#masks.set(to, from)
    } else if (this.#narrowed.has(from) && !this.#graph.exact.has(node)) {
      this.#halves.set(to, this.#half(from))
      this.#narrowed.add(to)
    } else {
      this.#keep(node)
    }
  }

  #isNarrowed(node: NodeProto): boolean {
    const form = halfForm(node, this.#graph.opset)
    if (form === undefined || this.#graph.exact.has(node)) return false
    if (form.kind === 'product' || form.outputs !== 'none') {
      if (this.#graph.isOther(node.output[0] ?? '')) return false
    }
    const shared = sharedInputs(node, form)
    const misfit = this.#misfitAmong(shared)
    if (form.kind === 'product' && misfit?.why === 'large') {
      const why = `"${misfit.name}" holds numbers beyond 65504, which float16 does not; take fp32`
      throw unsupported(this.#graph.name, `cannot be computed in float16: ${describeNode(node)}: ${why}`)
    }
    if (misfit !== undefined) return false
    if (form.kind === 'product') return true
    // What is rounded is only compared with what is: an identity convolution of a maximum would else be under it
    if (form.outputs === 'none') return shared.some((name) => this.#narrowed.has(name))
    return shared.every((name) => this.#isWeight(name) || this.#masks.has(name) || this.#narrowed.has(name))
  }

  #narrow(node: NodeProto): void {
    const form = halfForm(node, this.#graph.opset)
    const outputs = form?.kind === 'follows' ? form.outputs : 'all'
    const shared = new Set(sharedInputs(node, form))
    for (const name of nodeReads(node)) if (!shared.has(name)) this.full(name)
    const input = node.input.map((name) => (shared.has(name) ? this.#half(name) : name))
    const output = node.output.map((name, i) => {
      if (name === '' || outputs === 'none' || (outputs === 'first' && i > 0)) return name
      const half = this.#graph.freshName(`half_${name}`)
      this.#halves.set(name, half)
      this.#narrowed.add(name)
      return half
    })
    this.nodes.push(revise(NodeProtoSchema, node, { input, output }))
  }

  #keep(node: NodeProto): void {
    for (const name of nodeReads(node)) this.full(name)
    this.nodes.push(node)
  }
}

function named(name: string, why: Misfit | undefined): MisfitWeight | undefined {
  return why && { name, why }
}

/** The inputs that have the type of the node's numbers. */
function sharedInputs(node: NodeProto, form: HalfForm | undefined): readonly string[] {
  const places = form?.kind === 'follows' ? form.inputs : undefined
  return node.input.filter((name, i) => name !== '' && (places === undefined || places.includes(i)))
}

function isCastToFloat(node: NodeProto): boolean {
  return node.opType === 'Cast' && intAttribute(node, 'to') === FLOAT
}
