import type { NodeProto } from 'onnx-buf'
import { AugmentedGraph, type OpenableModel, type SeedInputs, type SeedKind } from '../onnx/augment.ts'
import type { ClassifierGraph } from '../onnx/classifier.ts'
import { buildHeadModel, type CutTensor } from '../onnx/head-model.ts'
import { ImageGraph, requireLayer } from '../onnx/image-graph.ts'
import { LayerGraph } from '../onnx/layer-graph.ts'
import type { TargetLayer } from '../onnx/layers.ts'
import { gradCam } from './grad-cam.ts'
import type { Masks } from './masks.ts'
import { type Cam, type CamMethod, type Method, readsLayer } from './method.ts'

/** Where one target's maps are found among the model's outputs; those of `masks` are made of masks alone. */
export type TargetOutputs =
  | ({ readonly kind: 'cam' } & Cam)
  | { readonly kind: 'pixels'; readonly gradient: string }
  | { readonly kind: 'masks' }

/** The target layer as the graph has it, for the model to go on from. */
export interface LayerTensor extends CutTensor {
  /** The axis of its channels, that of the batch being 0. */
  readonly channelAxis: number
}

/** The graph that a method runs: logits and what each target's map is made of, from one forward pass. */
export interface ExplainModel extends OpenableModel {
  /** float32 [N, K]. */
  readonly logits: string
  readonly seeds: readonly SeedInputs[]
  /** In the order of `seeds`. */
  readonly targets: readonly TargetOutputs[]
  /** The target layer; undefined for a method that reads none. */
  readonly layer: TargetLayer | undefined
  /** An output for methods that change activations; undefined for the others. */
  readonly layerTensor: LayerTensor | undefined
  /** The nodes added to the model's own, in order. */
  readonly added: readonly NodeProto[]
}

/**
 * Adds to a classifier what `method` needs of it, for each seed; what no output needs is left out.
 * @throws SessError `METHOD_UNSUPPORTED`, or `MODEL_UNSUPPORTED` for an operator that gradients do not pass
 */
export function buildExplainModel(
  classifier: ClassifierGraph,
  options: {
    readonly method: Method
    readonly seeds: readonly SeedKind[]
    /** The classifier's own unless given. */
    readonly layer?: TargetLayer | undefined
  },
): ExplainModel {
  const { method } = options
  const layer = options.layer ?? classifier.layer
  const augmented = new AugmentedGraph(classifier)
  const seeds = options.seeds.map((kind, i) => augmented.seedInputs(kind, i))
  const layerGraph = (seed: SeedInputs) => new LayerGraph(augmented, requireLayer(classifier, layer), seed)
  const layerRead = readsLayer(method) ? requireLayer(classifier, layer) : undefined
  const targets = seeds.map((seed): TargetOutputs => {
    if (method.kind === 'pixels') {
      const image = new ImageGraph(augmented, layer, seed)
      const gradient = method.build(image)
      const { height, width, layout } = classifier
      augmented.output(gradient, layout === 'NCHW' ? [3, height, width] : [height, width, 3])
      return { kind: 'pixels', gradient }
    }
    const build = method.kind === 'cam' ? method.build : camOfMasks(method.copies.masks)
    if (build === undefined) return { kind: 'masks' }
    const graph = layerGraph(seed)
    const cam = build(graph)
    augmented.output(cam.features, [cam.channels, graph.height, graph.width])
    if (cam.weights !== undefined) augmented.output(cam.weights, [cam.channels])
    return { kind: 'cam', ...cam }
  })
  const isAblated = method.kind === 'masks' && method.copies.masks.kind === 'ablations'
  const layerTensor = isAblated && layerRead !== undefined ? tensorOf(layerRead) : undefined
  if (layerTensor !== undefined) {
    buildHeadModel(classifier, layerTensor) // refuses a layer that the model cannot go on from
    augmented.output(layerTensor.name, layerTensor.shape)
  }
  return { ...augmented.assemble(), logits: augmented.logits, seeds, targets, layer: layerRead, layerTensor }
}

/** What masks are cut from and maps are summed of; the weights of groups are those of Grad-CAM. */
function camOfMasks({ kind }: Masks): CamMethod['build'] | undefined {
  switch (kind) {
    case 'activations':
      return (layer) => ({ ...layer.unweighted(), rectify: 'samples' })
    case 'ablations':
      return (layer) => layer.unweighted()
    case 'groups':
      return gradCam.build
    case 'random':
    case 'squares':
      return undefined
  }
}

function tensorOf({ name, channels, height, width, layout, skip }: TargetLayer): LayerTensor {
  if (layout === 'NCHW') return { name, shape: [channels, height, width], channelAxis: 1 }
  if (layout === 'NHWC') return { name, shape: [height, width, channels], channelAxis: 3 }
  return { name, shape: [skip + height * width, channels], channelAxis: 2 }
}
