import { stat } from 'node:fs/promises'
import { openDevice } from '../device.ts'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { readClassifier } from '../load.ts'
import { methods } from '../methods/index.ts'
import { type MethodSupport, methodSupport } from '../methods/support.ts'
import type { ClassifierGraph } from '../onnx/classifier.ts'
import type { TargetLayer } from '../onnx/layers.ts'
import { readModel } from '../onnx/proto.ts'
import { checkLoadOptions, type LoadOptions } from '../options.ts'
import { countMultiplyAdds, countParameters } from './cost.ts'
import { type LayerReason, layerReason } from './layer-reason.ts'
import type { Manifest } from './manifest.ts'
import type { ResolvedModel } from './model-file.ts'
import { type StatedPreprocessing, statedPreprocessing } from './preprocess.ts'
import type { NotApplied } from './transformers.ts'

/** What is stated beside the model; it wins over manifest and graph, as in `Explainer.load`. */
export type ModelOptions = Pick<LoadOptions, 'layer' | 'tokens' | 'mean' | 'std' | 'labels' | 'activation'>

/** What can be told of a model file without running it. What an unsupported graph leaves open is left out. */
export interface ModelAnalysis {
  readonly path: string
  readonly bytes: number
  readonly opset: number
  /** Operators and how often they occur, the most frequent first. */
  readonly operators: readonly { readonly type: string; readonly count: number }[]
  readonly parameters: number
  /** Of one image, in convolutions and matrix products. */
  readonly multiplyAdds?: number | undefined
  readonly input?: {
    readonly name: string
    readonly layout: 'NCHW' | 'NHWC'
    readonly height: number
    readonly width: number
  }
  readonly logits?: string
  readonly classes?: number
  /** `float16`: the model's own; it is computed in float32 all the same. */
  readonly precision?: 'float32' | 'float16'
  /** `fixed`: windows run one by one. */
  readonly batch?: 'dynamic' | 'made-dynamic' | 'fixed'
  readonly activation?: { readonly name: 'softmax' | 'sigmoid'; readonly from: string }
  /** The default target layer, and why it is that. */
  readonly layer?: (TargetLayer & { readonly reason: LayerReason }) | undefined
  readonly candidates?: readonly TargetLayer[]
  readonly methods: readonly MethodSupport[]
  readonly preprocessing: StatedPreprocessing & {
    /** What a preprocessor file asks for and is not done: the base view is the whole image, resized to the window. */
    readonly notApplied: readonly NotApplied[]
  }
  /** Why the graph cannot be explained or classified with. */
  readonly unsupported?: string
}

/**
 * Explains a model file.
 * @throws SessError `MODEL_UNREADABLE` where it is no ONNX model at all, `LAYER_NOT_FOUND` and `OPTION_INVALID` for
 * options that do not fit it
 */
export async function analyse(
  resolved: ResolvedModel,
  options: ModelOptions = {},
  signal?: AbortSignal,
): Promise<ModelAnalysis> {
  checkLoadOptions(options)
  const { path, manifest, manifestPath, notApplied = [] } = resolved
  throwIfAborted(signal)
  const { proto } = await readModel({ path })
  throwIfAborted(signal)
  const graph = proto.graph
  const facts = {
    path,
    bytes: (await stat(path)).size,
    opset: Number(proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0),
    operators: countOperators(graph?.node ?? []),
    parameters: graph === undefined ? 0 : countParameters(graph),
    preprocessing: { ...statedPreprocessing(manifest, manifestPath, options), notApplied },
  }
  const { device } = openDevice('cpu', 1)
  try {
    const classifier = await readClassifier(device, resolved, options)
    return { ...facts, ...describeClassifier(classifier, manifest, options) }
  } catch (error) {
    const isOfTheModel =
      error instanceof SessError && (error.code === 'MODEL_UNSUPPORTED' || isManifestLayer(error, options))
    if (!isOfTheModel) throw error
    const reason = 'the graph cannot be read as a classifier'
    return {
      ...facts,
      methods: methods.map(({ name }) => ({ name, supported: false, reason })),
      unsupported: error.message,
    }
  } finally {
    device.dispose()
  }
}

/** A layer that the manifest names wrongly is the model's fault, and one of the option the caller's. */
function isManifestLayer({ code }: SessError, { layer }: ModelOptions): boolean {
  return code === 'LAYER_NOT_FOUND' && layer === undefined
}

function describeClassifier(classifier: ClassifierGraph, manifest: Manifest | undefined, options: ModelOptions) {
  const { graph, shapes, inputName, layout, height, width, logits, classes, batch, layer, candidates } = classifier
  return {
    multiplyAdds: countMultiplyAdds(graph.nodes, shapes),
    input: { name: inputName, layout, height, width },
    logits,
    classes,
    batch,
    precision: classifier.precision,
    activation: {
      name: classifier.activation === 'unknown' ? ('softmax' as const) : classifier.activation,
      from: activationSource(classifier, manifest, options),
    },
    layer: layer && { ...layer, reason: layerReason(manifest, options) },
    candidates,
    methods: methodSupport(classifier),
  }
}

function activationSource(
  classifier: ClassifierGraph,
  manifest: Manifest | undefined,
  { activation }: ModelOptions,
): string {
  if (activation !== undefined) return 'the option activation'
  if (manifest?.activation !== undefined) return 'the manifest'
  return classifier.activation === 'unknown' ? 'assumed' : 'the graph'
}

function countOperators(nodes: readonly { readonly opType: string; readonly domain: string }[]) {
  const counts = new Map<string, number>()
  for (const { opType, domain } of nodes) {
    const type = domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return [...counts]
    .map(([type, count]) => ({ type, count }))
    .sort((a, b) => b.count - a.count || a.type.localeCompare(b.type, 'en'))
}
