import { GraphProtoSchema, type NodeProto, NodeProtoSchema, TensorProto_DataType, type ValueInfoProto } from 'onnx-buf'
import { SessError } from '../error.ts'
import type { ClassifierGraph } from './classifier.ts'
import { unsupported } from './errors.ts'
import { buildGradients } from './grad/build.ts'
import { Emitter } from './grad/emitter.ts'
import { asTensor, expand, type Gradient, tensorGradient } from './grad/gradient.ts'
import { nodeReads } from './graph.ts'
import type { TargetLayer } from './layers.ts'
import { makeValueInfo, modelBytes, revise } from './messages.ts'
import type { Dim } from './shapes.ts'

/** An augmented model that ONNX Runtime opens from memory, and the names to bind. */
export interface CamModel {
  readonly bytes: Uint8Array
  /** Folder for `session.model_external_initializers_file_folder_path`; undefined where every weight is inline. */
  readonly externalFolder: string | undefined
  /** float32 [N, 3, h, w] or [N, h, w, 3]. */
  readonly inputName: string
  /** int64 [N] each: the class per image; -1 stands for the image's own argmax (lowest index on ties). */
  readonly targetInputs: readonly string[]
  readonly outputs: {
    /** float32 [N, K]. */
    readonly logits: string
    /** float32 [N, C, u, v], whatever the model's layout. */
    readonly activations: string
    /** float32 [N, C] per target: the mean over u, v of the gradient of the target's logit. */
    readonly weights: readonly string[]
  }
  readonly layer: TargetLayer
  /** The nodes added to the model's own, in order. */
  readonly added: readonly NodeProto[]
}

export interface ForwardModel {
  readonly bytes: Uint8Array
  readonly externalFolder: string | undefined
  readonly inputName: string
  /** float32 [N, K]. */
  readonly logits: string
}

/**
 * The graph of Grad-CAM: logits, activations of the target layer, and one weight per channel and target, from one
 * forward pass; what these do not need is left out. N is 1 where `classifier.batch` is `fixed`.
 *
 * Throws `METHOD_UNSUPPORTED` without a target layer, `MODEL_UNSUPPORTED` for an operator that gradients do not pass.
 */
export function buildCamModel(
  classifier: ClassifierGraph,
  options: { readonly targets: number; readonly layer?: TargetLayer | undefined },
): CamModel {
  const layer = options.layer ?? classifier.layer
  if (layer === undefined) throw noLayer(classifier)
  const emitter = emitterFor(classifier)
  const extraOutputs = new Map<NodeProto, Map<number, string>>()
  const logits = flatLogits(emitter, classifier)
  const activations = channelsFirst(emitter, layer)
  const targetInputs = Array.from({ length: options.targets }, (_, i) => `sess_target_${i}`)
  const weights = targetInputs.map((target) => {
    const gradients = buildGradients({
      graph: classifier.graph,
      shapes: classifier.shapes,
      emitter,
      seed: { tensor: classifier.logits, gradient: classSeed(classifier, chosenClass(emitter, target, logits)) },
      tensors: [layer.name],
      passing: 'plain',
      extraOutputs,
    })
    const gradient = gradients.get(layer.name)
    if (gradient === undefined) throw unsupported(classifier.graph.name, `has no gradient at "${layer.name}"`)
    return channelMeans(emitter, classifier, layer, gradient)
  })
  const images = imageDim(classifier)
  const outputs = [
    makeValueInfo(logits, TensorProto_DataType.FLOAT, [images, classifier.classes]),
    makeValueInfo(activations, TensorProto_DataType.FLOAT, [images, layer.channels, layer.height, layer.width]),
    ...weights.map((name) => makeValueInfo(name, TensorProto_DataType.FLOAT, [images, layer.channels])),
  ]
  const targets = targetInputs.map((name) => makeValueInfo(name, TensorProto_DataType.INT64, [images]))
  return {
    ...assemble(classifier, emitter, extraOutputs, targets, outputs),
    inputName: classifier.inputName,
    targetInputs,
    outputs: { logits, activations, weights },
    layer,
  }
}

/** The model cut down to image -> logits. */
export function buildForwardModel(classifier: ClassifierGraph): ForwardModel {
  const emitter = emitterFor(classifier)
  const logits = flatLogits(emitter, classifier)
  const output = makeValueInfo(logits, TensorProto_DataType.FLOAT, [imageDim(classifier), classifier.classes])
  const { bytes, externalFolder } = assemble(classifier, emitter, new Map(), [], [output])
  return { bytes, externalFolder, inputName: classifier.inputName, logits }
}

function noLayer({ graph, shapes }: ClassifierGraph): SessError {
  const isHalf = [...shapes.values()].some(({ dtype }) => dtype === 'float16')
  const why = isHalf
    ? 'computes in float16, through which no gradient is taken; export it in float32'
    : 'has no feature map with height and width between image and logits; class activation maps do not apply to it'
  return new SessError('METHOD_UNSUPPORTED', `Model "${graph.name}" ${why}.`)
}

function emitterFor({ graph, opset }: ClassifierGraph): Emitter {
  const inputs = new Set(graph.inputs.map(({ name }) => name))
  return new Emitter({
    opset,
    taken: (name) => graph.producers.has(name) || graph.initializers.has(name) || inputs.has(name),
  })
}

const BATCH: Dim = { batch: 1 }

function batchDim({ batch }: ClassifierGraph): Dim {
  return batch === 'fixed' ? 1 : BATCH
}

function imageDim({ batch }: ClassifierGraph): number | string {
  return batch === 'fixed' ? 1 : 'sess_images'
}

function flatLogits(e: Emitter, classifier: ClassifierGraph): string {
  const dims = classifier.shapes.get(classifier.logits)?.dims ?? []
  return e.reshape(classifier.logits, dims, [batchDim(classifier), classifier.classes])
}

function channelsFirst(e: Emitter, { name, layout }: TargetLayer): string {
  return layout === 'NCHW' ? name : e.emit('Transpose', [name], { perm: { ints: [0, 3, 1, 2] } })
}

/** `target`, or the argmax of the image's logits where it is -1: `target + (target < 0) * (argmax + 1)`. */
function chosenClass(e: Emitter, target: string, logits: string): string {
  const best = e.emit('ArgMax', [logits], { axis: { int: 1 }, keepdims: { int: 0 } })
  // Less takes no int64 before operator set 9, and Where begins there
  const isOpen = e.toInt64(e.emit('Less', [e.toFloat(target), e.scalar(0)]))
  const correction = e.emit('Mul', [isOpen, e.emit('Add', [best, e.ints([1])])])
  return e.emit('Add', [target, correction])
}

function classSeed(classifier: ClassifierGraph, target: string): Gradient {
  const dims = classifier.shapes.get(classifier.logits)?.dims ?? []
  return { kind: 'one-hot', target, axis: classifier.classAxis, dims, factor: 1 }
}

/** The mean over u and v; an axis along which the gradient is equal is its own mean. */
function channelMeans(e: Emitter, classifier: ClassifierGraph, layer: TargetLayer, gradient: Gradient): string {
  const [channelAxis, spatial] = layer.layout === 'NCHW' ? [1, [2, 3]] : [3, [1, 2]]
  const { name, dims, factor } = asTensor(e, gradient)
  const long = spatial.filter((axis) => dims[axis] !== 1)
  const mean = long.length === 0 ? name : e.reduceMean(name, long)
  const short = dims.map((dim, axis) => (long.includes(axis) ? 1 : dim))
  const images = batchDim(classifier)
  const channels = short[channelAxis] ?? 1
  const flat = tensorGradient(e.reshape(mean, short, [images, channels]), [images, channels], factor)
  return expand(e, flat, [images, layer.channels]).name
}

/** The model's nodes and the emitter's, without what `outputs` do not need. */
function assemble(
  { graph, inputName, layout, height, width, batch }: ClassifierGraph,
  emitter: Emitter,
  extraOutputs: ReadonlyMap<NodeProto, ReadonlyMap<number, string>>,
  targets: readonly ValueInfoProto[],
  outputs: readonly ValueInfoProto[],
): Pick<CamModel, 'bytes' | 'externalFolder' | 'added'> {
  const proto = graph.proto.graph
  if (proto === undefined) throw unsupported(graph.name, 'holds no graph')
  const all = [...graph.nodes.map((node) => withOutputs(node, extraOutputs.get(node))), ...emitter.nodes]
  const { nodes, needed } = prune(all, outputs)
  const images = batch === 'fixed' ? 1 : 'sess_images'
  const pixels = layout === 'NCHW' ? [3, height, width] : [height, width, 3]
  const assembled = revise(GraphProtoSchema, proto, {
    node: nodes,
    initializer: [...proto.initializer, ...emitter.constants].filter(({ name }) => needed.has(name)),
    input: [makeValueInfo(inputName, TensorProto_DataType.FLOAT, [images, ...pixels]), ...targets],
    output: [...outputs],
    valueInfo: [],
  })
  const bytes = modelBytes(graph.proto, assembled)
  const own = new Set(emitter.nodes)
  return { bytes, externalFolder: graph.externalFolder, added: nodes.filter((node) => own.has(node)) }
}

function withOutputs(node: NodeProto, extra: ReadonlyMap<number, string> | undefined): NodeProto {
  if (extra === undefined) return node
  const length = Math.max(node.output.length, ...[...extra.keys()].map((index) => index + 1))
  const output = Array.from({ length }, (_, i) => extra.get(i) ?? node.output[i] ?? '')
  return revise(NodeProtoSchema, node, { output })
}

function prune(
  nodes: readonly NodeProto[],
  outputs: readonly ValueInfoProto[],
): { readonly nodes: NodeProto[]; readonly needed: ReadonlySet<string> } {
  const needed = new Set(outputs.map(({ name }) => name))
  const kept = [...nodes].reverse().filter((node) => {
    const isNeeded = node.output.some((output) => needed.has(output))
    if (isNeeded) for (const read of nodeReads(node)) needed.add(read)
    return isNeeded
  })
  return { nodes: kept.reverse(), needed }
}
