import type { NodeProto } from 'onnx-buf'
import { SessError } from '../../error.ts'
import { describeNode, type Graph } from '../graph.ts'
import type { Dims, Shapes, TensorFacts } from '../shapes.ts'
import { KnownConstants } from './constants.ts'
import type { Emitter } from './emitter.ts'
import type { Gradient } from './gradient.ts'
import { whyNoRule } from './refusals.ts'

/** `guided`: rectifiers also stop what is negative of the gradient (Springenberg et al., 2014). */
export type Passing = 'plain' | 'guided'

/**
 * One operator's share of the chain rule: from the gradient at the node's first output to those at its inputs, in
 * their order (undefined where `context.needs` says none is asked for). An empty list: nothing comes through at all.
 */
export type GradientRule = (
  node: NodeProto,
  upstream: Gradient,
  context: GradientContext,
) => readonly (Gradient | undefined)[]

/** As `GradientRule`, for operators with several outputs: `upstreams` has undefined where an output is not used. */
export type AllOutputsRule = (
  node: NodeProto,
  upstreams: readonly (Gradient | undefined)[],
  context: GradientContext,
) => readonly (Gradient | undefined)[]

/** What a rule may ask of the graph. */
export class GradientContext {
  readonly e: Emitter
  readonly passing: Passing
  readonly #graph: Graph
  readonly #shapes: Shapes
  readonly #wanted: ReadonlySet<string>
  readonly #constants: KnownConstants
  readonly #extraOutputs: Map<NodeProto, Map<number, string>>

  constructor(options: {
    readonly emitter: Emitter
    readonly graph: Graph
    readonly shapes: Shapes
    /** Tensors that a gradient is asked for. */
    readonly wanted: ReadonlySet<string>
    readonly passing: Passing
    readonly extraOutputs: Map<NodeProto, Map<number, string>>
  }) {
    this.e = options.emitter
    this.passing = options.passing
    this.#graph = options.graph
    this.#shapes = options.shapes
    this.#wanted = options.wanted
    this.#constants = new KnownConstants(options.graph, options.shapes)
    this.#extraOutputs = options.extraOutputs
  }

  /** Whether a gradient is asked for at the node's input `index`. */
  needs(node: NodeProto, index: number): boolean {
    return this.#wanted.has(node.input[index] ?? '')
  }

  /** Shape of the tensor; refuses the node where it is unknown. */
  dims(node: NodeProto, tensor: string | undefined): Dims {
    const facts = this.#shapes.get(tensor ?? '')
    if (facts === undefined) throw this.refuse(node, `the shape of "${tensor}" is not fixed`)
    return facts.dims
  }

  dtype(tensor: string | undefined): TensorFacts['dtype'] {
    return this.#shapes.get(tensor ?? '')?.dtype ?? 'other'
  }

  input(node: NodeProto, index: number): { readonly name: string; readonly dims: Dims } {
    const name = node.input[index] ?? ''
    return { name, dims: this.dims(node, name) }
  }

  output(node: NodeProto): { readonly name: string; readonly dims: Dims } {
    const name = node.output[0] ?? ''
    return { name, dims: this.dims(node, name) }
  }

  /** The values of a small input that is constant or follows from known shapes; undefined where there is none. */
  constant(node: NodeProto, index: number): readonly number[] | undefined {
    return this.#constants.get(node.input[index] ?? '')
  }

  /** Asks the forward node itself for one more of its outputs. */
  extraOutput(node: NodeProto, index: number): string {
    const present = node.output[index]
    if (present !== undefined && present !== '') return present
    const asked = this.#extraOutputs.get(node) ?? new Map<number, string>()
    const name = asked.get(index) ?? this.e.name(`${node.opType.toLowerCase()}_output`)
    this.#extraOutputs.set(node, asked.set(index, name))
    return name
  }

  /** `MODEL_UNSUPPORTED` for an operator without a rule: what it is and the way out. */
  refuseOperator(node: NodeProto): SessError {
    const { why, advice } = whyNoRule(this.#graph, node)
    return this.refuse(node, why, advice)
  }

  /** `MODEL_UNSUPPORTED` that names the node, the operator and the way out. */
  refuse(node: NodeProto, why: string, advice = 'or export the model without it'): SessError {
    return new SessError(
      'MODEL_UNSUPPORTED',
      `No gradient passes ${describeNode(node)} of model "${this.#graph.name}": ${why}. ` +
        `Choose a target layer nearer to the logits (--layer), ${advice}.`,
    )
  }
}
