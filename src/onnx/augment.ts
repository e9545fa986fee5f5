import {
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  type ValueInfoProto,
} from 'onnx-buf'
import type { ClassifierGraph } from './classifier.ts'
import { unsupported } from './errors.ts'
import { buildGradients, type Passing } from './grad/build.ts'
import { Emitter } from './grad/emitter.ts'
import { add, type Gradient, seedTensor } from './grad/gradient.ts'
import { nodeReads } from './graph.ts'
import { makeValueInfo, modelBytes, revise } from './messages.ts'
import { narrowNodes } from './narrow.ts'
import { dependents } from './paths.ts'
import type { Dim, Dims } from './shapes.ts'

/** A model that ONNX Runtime opens from memory. */
export interface OpenableModel {
  /** The model as a file. Each call encodes it anew, weights and all: only a session that opens needs it. */
  readonly encode: () => Uint8Array
  /** Folder for `session.model_external_initializers_file_folder_path`; undefined where every weight is inline. */
  readonly externalFolder: string | undefined
  /** float32 [N, 3, h, w] or [N, h, w, 3]; N is 1 where `classifier.batch` is `fixed`. */
  readonly inputName: string
}

/**
 * What a gradient is taken of. `class`: one logit, chosen for each image; `combination`: that logit plus a weighted
 * sum of all logits ("why this and not that").
 */
export type SeedKind = 'class' | 'combination'

/** The inputs that name what one gradient is taken of. */
export interface SeedInputs {
  /** int64 [N]: the class of each image; -1 stands for the image's own argmax (lowest index on ties). */
  readonly classes: string
  /** float32 [N, K]: what is added to the logit of the class; undefined for a `class` seed. */
  readonly coefficients: string | undefined
}

const BATCH: Dim = { batch: 1 }

/** A classifier's graph together with the nodes that are added to it, until both are assembled to one model. */
export class AugmentedGraph {
  readonly classifier: ClassifierGraph
  readonly emitter: Emitter
  /** float32 [N, K]. */
  readonly logits: string
  /** The batch axis of every tensor. */
  readonly images: Dim
  readonly #extraOutputs = new Map<NodeProto, Map<number, string>>()
  readonly #inputs: ValueInfoProto[] = []
  readonly #outputs: ValueInfoProto[] = []
  /** The added nodes that gradients pass; what is made of gradients stays in float32. */
  readonly #passed = new Set<NodeProto>()

  constructor(classifier: ClassifierGraph) {
    const { graph, opset } = classifier
    const inputs = new Set(graph.inputs.map(({ name }) => name))
    this.classifier = classifier
    this.emitter = new Emitter({
      opset,
      arithmetic: classifier.arithmetic.kind,
      taken: (name) => graph.producers.has(name) || graph.initializers.has(name) || inputs.has(name),
    })
    this.images = classifier.batch === 'fixed' ? 1 : BATCH
    this.logits = this.emitter.reshape(classifier.logits, this.dims(classifier.logits), [
      this.images,
      classifier.classes,
    ])
    this.output(this.logits, [classifier.classes])
  }

  /** Adds the inputs of one gradient's seed; `index` tells several apart. */
  seedInputs(kind: SeedKind, index: number): SeedInputs {
    const classes = `sess_target_${index}`
    this.#inputs.push(makeValueInfo(classes, TensorProto_DataType.INT64, [this.#imageDim]))
    if (kind === 'class') return { classes, coefficients: undefined }
    const coefficients = `sess_coefficients_${index}`
    const shape = [this.#imageDim, this.classifier.classes]
    this.#inputs.push(makeValueInfo(coefficients, TensorProto_DataType.FLOAT, shape))
    return { classes, coefficients }
  }

  /**
   * The gradients of a seed at `tensors`, by tensor.
   * @throws SessError `MODEL_UNSUPPORTED` for an operator that gradients do not pass; the lookup, for a tensor that does
   * not lead to the logits
   */
  gradients(seed: SeedInputs, tensors: readonly string[], passing: Passing): (tensor: string) => Gradient {
    const { classifier, emitter } = this
    const before = emitter.nodes.length
    const found = buildGradients({
      graph: classifier.graph,
      shapes: classifier.shapes,
      emitter,
      seed: { tensor: classifier.logits, gradient: this.#seedGradient(seed) },
      tensors,
      passing,
      extraOutputs: this.#extraOutputs,
    })
    for (const node of emitter.nodes.slice(before)) this.#passed.add(node)
    return (tensor) => {
      const gradient = found.get(tensor)
      if (gradient === undefined) throw unsupported(classifier.graph.name, `has no gradient at "${tensor}"`)
      return gradient
    }
  }

  /**
   * The shape of one of the model's own tensors.
   * @throws SessError `MODEL_UNSUPPORTED` where it is open
   */
  dims(tensor: string): Dims {
    const { graph, shapes } = this.classifier
    const facts = shapes.get(tensor)
    if (facts === undefined) throw unsupported(graph.name, `leaves the shape of "${tensor}" open`)
    return facts.dims
  }

  /** Whether a tensor that was added depends on the image by more than the choice of the seed's class. */
  readsFeatures(name: string, seed: SeedInputs): boolean {
    const { graph, inputName } = this.classifier
    const own = new Map(this.emitter.nodes.flatMap((node) => node.output.map((output) => [output, node])))
    const ofImage = dependents(graph, inputName)
    const chosen = chosenClass(this.emitter, seed.classes, this.logits)
    const reads = (tensor: string): boolean => {
      if (tensor === chosen) return false
      if (ofImage.has(tensor)) return true
      const node = own.get(tensor)
      return node !== undefined && nodeReads(node).some(reads)
    }
    return reads(name)
  }

  /** Declares a float32 output [N, ...shape]. */
  output(name: string, shape: readonly number[]): void {
    if (this.#outputs.some((output) => output.name === name)) return
    this.#outputs.push(makeValueInfo(name, TensorProto_DataType.FLOAT, [this.#imageDim, ...shape]))
  }

  /** The model's nodes and those added, without what the outputs do not need; and the added ones, in order. */
  assemble(): OpenableModel & { readonly added: readonly NodeProto[] } {
    const { inputName, layout, height, width } = this.classifier
    const pixels = layout === 'NCHW' ? [3, height, width] : [height, width, 3]
    const { encode, externalFolder, nodes } = this.#assemble(inputName, pixels)
    const own = new Set(this.emitter.nodes)
    return { encode, externalFolder, inputName, added: nodes.filter((node) => own.has(node)) }
  }

  /**
   * What the outputs need from tensor `from` on, which becomes the input in the image's place: [N, ...shape].
   * Undefined where they depend on the image by another way too.
   */
  assembleBehind(from: string, shape: readonly number[]): OpenableModel | undefined {
    const { encode, externalFolder, needed } = this.#assemble(from, shape)
    const ofImage = dependents(this.classifier.graph, this.classifier.inputName)
    const ofLayer = dependents(this.classifier.graph, from)
    const isBypassed = [...needed].some((name) => name !== from && ofImage.has(name) && !ofLayer.has(name))
    if (isBypassed || needed.has(this.classifier.inputName)) return undefined
    return { encode, externalFolder, inputName: from }
  }

  #assemble(inputName: string, shape: readonly number[]) {
    const { graph } = this.classifier
    const proto = graph.proto.graph
    if (proto === undefined) throw unsupported(graph.name, 'holds no graph')
    const all = [...graph.nodes.map((node) => withOutputs(node, this.#extraOutputs.get(node))), ...this.emitter.nodes]
    const { nodes, needed } = prune(all, this.#outputs, inputName)
    const initializer = [...proto.initializer, ...this.emitter.constants].filter(({ name }) => needed.has(name))
    const assembled = revise(GraphProtoSchema, proto, {
      node: [...this.#inArithmetic(nodes, initializer)],
      initializer,
      // One that no node reads would come back from a GPU at every run
      input: [
        makeValueInfo(inputName, TensorProto_DataType.FLOAT, [this.#imageDim, ...shape]),
        ...this.#inputs.filter(({ name }) => needed.has(name)),
      ],
      output: this.#outputs,
      valueInfo: [],
    })
    return { encode: () => modelBytes(graph.proto, assembled), externalFolder: graph.externalFolder, nodes, needed }
  }

  #inArithmetic(nodes: readonly NodeProto[], initializers: readonly TensorProto[]): readonly NodeProto[] {
    const { arithmetic, graph, shapes } = this.classifier
    if (arithmetic.kind === 'float32') return nodes
    return narrowNodes({
      name: graph.name,
      opset: graph.opset,
      nodes,
      initializers,
      outputs: this.#outputs.map(({ name }) => name),
      beyondHalf: arithmetic.beyondHalf,
      exact: new Set(this.emitter.nodes.filter((node) => !this.#passed.has(node))),
      isOther: (tensor) => (shapes.get(tensor)?.dtype ?? 'float32') !== 'float32',
      freshName: (stem) => this.emitter.name(stem),
    })
  }

  get #imageDim(): number | string {
    return this.images === 1 ? 1 : 'sess_images'
  }

  #seedGradient({ classes, coefficients }: SeedInputs): Gradient {
    const { classifier, emitter } = this
    const dims = this.dims(classifier.logits)
    const target = chosenClass(emitter, classes, this.logits)
    const one: Gradient = { kind: 'one-hot', target, axis: classifier.classAxis, dims, factor: 1 }
    if (coefficients === undefined) return one
    const flat: Dims = [this.images, classifier.classes]
    return add(emitter, one, seedTensor(emitter, emitter.reshape(coefficients, flat, dims), dims))
  }
}

/** `target`, or the argmax of the image's logits where it is -1: `target + (target < 0) * (argmax + 1)`. */
function chosenClass(e: Emitter, target: string, logits: string): string {
  const best = e.emit('ArgMax', [logits], { axis: { int: 1 }, keepdims: { int: 0 } })
  // Less takes no int64 before operator set 9, and Where begins there
  const isOpen = e.toInt64(e.emit('Less', [e.toFloat(target), e.scalar(0)]))
  const correction = e.emit('Mul', [isOpen, e.emit('Add', [best, e.ints([1])])])
  return e.emit('Add', [target, correction])
}

function withOutputs(node: NodeProto, extra: ReadonlyMap<number, string> | undefined): NodeProto {
  if (extra === undefined) return node
  const length = Math.max(node.output.length, ...[...extra.keys()].map((index) => index + 1))
  const output = Array.from({ length }, (_, i) => extra.get(i) ?? node.output[i] ?? '')
  return revise(NodeProtoSchema, node, { output })
}

/** The nodes that lead from `input` to the outputs, and every tensor that is needed for them. */
function prune(
  nodes: readonly NodeProto[],
  outputs: readonly ValueInfoProto[],
  input: string,
): { readonly nodes: NodeProto[]; readonly needed: ReadonlySet<string> } {
  const needed = new Set(outputs.map(({ name }) => name))
  const kept = [...nodes].reverse().filter((node) => {
    const isNeeded = node.output.some((output) => output !== input && needed.has(output))
    if (isNeeded) for (const read of nodeReads(node)) needed.add(read)
    return isNeeded
  })
  return { nodes: kept.reverse(), needed }
}
