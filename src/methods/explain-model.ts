import type { NodeProto } from 'onnx-buf'
import { AugmentedGraph, type OpenableModel, type SeedInputs, type SeedKind } from '../onnx/augment.ts'
import type { ClassifierGraph } from '../onnx/classifier.ts'
import { ImageGraph, requireLayer } from '../onnx/image-graph.ts'
import { LayerGraph } from '../onnx/layer-graph.ts'
import type { TargetLayer } from '../onnx/layers.ts'
import type { Cam, Method } from './method.ts'

/** Where one target's maps are found among the model's outputs. */
export type TargetOutputs = ({ readonly kind: 'cam' } & Cam) | { readonly kind: 'pixels'; readonly gradient: string }

/** The graph that a method runs: logits and what each target's map is made of, from one forward pass. */
export interface ExplainModel extends OpenableModel {
  /** float32 [N, K]. */
  readonly logits: string
  readonly seeds: readonly SeedInputs[]
  /** In the order of `seeds`. */
  readonly targets: readonly TargetOutputs[]
  /** The target layer; undefined for a method that reads none. */
  readonly layer: TargetLayer | undefined
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
  let layerRead = method.kind === 'cam' ? requireLayer(classifier, layer) : undefined
  const targets = seeds.map((seed): TargetOutputs => {
    if (method.kind === 'pixels') {
      const image = new ImageGraph(augmented, layer, seed)
      const gradient = method.build(image)
      const { height, width, layout } = classifier
      augmented.output(gradient, layout === 'NCHW' ? [3, height, width] : [height, width, 3])
      layerRead = image.layerRead
      return { kind: 'pixels', gradient }
    }
    const required = requireLayer(classifier, layer)
    const cam = method.build(new LayerGraph(augmented, required, seed))
    augmented.output(cam.features, [cam.channels, required.height, required.width])
    if (cam.weights !== undefined) augmented.output(cam.weights, [cam.channels])
    return { kind: 'cam', ...cam }
  })
  return { ...augmented.assemble(), logits: augmented.logits, seeds, targets, layer: layerRead }
}
