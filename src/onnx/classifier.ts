import { uselessOption } from '../error.ts'
import { type Batch, openBatch } from './batch.ts'
import { type Activation, findImageInput, findLogits, type Layout, type ModelOverrides } from './discover.ts'
import { type Graph, readGraph } from './graph.ts'
import { hasTokens, layerCandidates, namedLayer, type TargetLayer } from './layers.ts'
import { type ModelSource, readModel } from './proto.ts'
import type { ShapeProbe, Shapes } from './shapes.ts'
import type { PatchGrid } from './tokens.ts'
import { widenHalves } from './widen.ts'

/** What is known of a classifier: plain data that the rest of the toolkit and the graph builder read. */
export interface ClassifierGraph {
  readonly graph: Graph
  readonly shapes: Shapes
  readonly opset: number
  readonly inputName: string
  readonly layout: Layout
  /** The window: pixels of the image input. */
  readonly height: number
  readonly width: number
  /** Tensor of the class scores before any final activation. */
  readonly logits: string
  readonly classAxis: number
  readonly classes: number
  readonly activation: Activation | 'unknown'
  /** The default (or stated) target layer; undefined where the model has no feature map. */
  readonly layer: TargetLayer | undefined
  /** Feature maps that every path passes, nearest to the logits first. */
  readonly candidates: readonly TargetLayer[]
  readonly batch: Batch
  /** The patch grid that was stated. */
  readonly tokens: PatchGrid | undefined
  /** `float16`: the model's own; it is computed in `arithmetic` all the same. */
  readonly precision: 'float32' | 'float16'
  readonly arithmetic: Arithmetic
}

/**
 * What graphs of a classifier are computed in. `beyondHalf`: the initializers outside the graph with numbers that no
 * float16 holds.
 */
type Arithmetic = { readonly kind: 'float32' } | { readonly kind: 'float16'; readonly beyondHalf: ReadonlySet<string> }

/**
 * Reads and understands a classifier. What a manifest states (`overrides`) wins over what the graph suggests.
 *
 * Throws `MODEL_NOT_FOUND`, `MODEL_UNREADABLE`, `MODEL_UNSUPPORTED`, `LAYER_NOT_FOUND` for a stated layer, and
 * `OPTION_INVALID` for a stated grid of patches that no tensor has.
 */
export async function loadClassifier(
  source: ModelSource,
  overrides: ModelOverrides,
  probe: ShapeProbe,
): Promise<ClassifierGraph> {
  const model = await readModel(source)
  const widened = widenHalves(model)
  const read = readGraph(widened ?? model)
  const input = findImageInput(read, overrides)
  const { batch, graph, shapes } = await openBatch(read, input, probe)
  const logits = findLogits(graph, shapes, overrides)
  const { height, width } = input
  const { tokens } = overrides
  const ends = { input: input.name, inputLayout: input.layout, height, width, logits: logits.name, tokens }
  const candidates = layerCandidates(graph, shapes, ends)
  const layer =
    overrides.layer === undefined ? candidates[0] : namedLayer(graph, shapes, ends, candidates, overrides.layer)
  if (tokens !== undefined && !hasTokens(graph, shapes, ends)) {
    const why = `no tensor of model "${graph.name}" holds such a grid of patches`
    throw uselessOption('tokens', [tokens.height, tokens.width], why, 'state the rows and columns that it has')
  }
  return {
    graph,
    shapes,
    opset: graph.opset,
    inputName: input.name,
    layout: input.layout,
    height,
    width,
    logits: logits.name,
    classAxis: logits.classAxis,
    classes: logits.classes,
    activation: logits.activation,
    layer,
    candidates,
    batch,
    tokens,
    precision: widened === undefined ? 'float32' : 'float16',
    arithmetic: { kind: 'float32' },
  }
}

/** The target layer that a tensor or node name means. Throws `LAYER_NOT_FOUND` with the candidates. */
export function resolveLayer(classifier: ClassifierGraph, name: string): TargetLayer {
  const { graph, shapes, inputName, layout, height, width, logits, candidates, tokens } = classifier
  return namedLayer(
    graph,
    shapes,
    { input: inputName, inputLayout: layout, height, width, logits, tokens },
    candidates,
    name,
  )
}
