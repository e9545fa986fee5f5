import { SessError } from '../error.ts'
import type { Layout } from './discover.ts'
import type { Graph } from './graph.ts'
import { intsAttribute } from './messages.ts'
import { dominators, tensorsBetween } from './paths.ts'
import type { Dims, Shapes } from './shapes.ts'
import { type PatchGrid, tokenGrid, tokensReachLogits } from './tokens.ts'

/** A feature map that can be explained: `channels x height x width` per image. */
export interface TargetLayer {
  readonly name: string
  readonly channels: number
  readonly height: number
  readonly width: number
  /** `tokens`: batch x (skip + height x width) x channels, as transformers have it. */
  readonly layout: Layout | 'tokens'
  /** Class and register tokens before those of the grid; 0 but for `tokens`. */
  readonly skip: number
}

interface Ends {
  readonly input: string
  readonly inputLayout: Layout
  /** Pixels of the image. */
  readonly height: number
  readonly width: number
  readonly logits: string
  /** Stated for a transformer whose tokens do not tell. */
  readonly tokens?: PatchGrid | undefined
}

/**
 * Tensors with spatial extent (height and width over 1) that every path from input to logits passes, the last
 * first: the first is the default target layer, in practice the input of the global pooling. In a transformer that
 * reads its class token alone, tokens behind the last attention say nothing any more, and are left out.
 */
export function layerCandidates(graph: Graph, shapes: Shapes, ends: Ends): readonly TargetLayer[] {
  const between = tensorsBetween(graph, shapes, ends.input, ends.logits)
  const describe = layerDescriber(graph, shapes, ends)
  return dominators(graph, between, ends.input, ends.logits)
    .filter((name) => name !== ends.input)
    .flatMap((name) => describe(name) ?? [])
    .filter((layer) => layer.layout !== 'tokens' || tokensReachLogits(graph, shapes, layer.name, ends.logits))
}

/** Whether any tensor on the way holds patches as tokens. */
export function hasTokens(graph: Graph, shapes: Shapes, ends: Ends): boolean {
  const describe = layerDescriber(graph, shapes, ends)
  return [...tensorsBetween(graph, shapes, ends.input, ends.logits)].some((name) => describe(name)?.layout === 'tokens')
}

/**
 * The layer that a tensor or node name means; any feature map between input and logits will do.
 * Throws `LAYER_NOT_FOUND` with the candidates.
 */
export function namedLayer(
  graph: Graph,
  shapes: Shapes,
  ends: Ends,
  candidates: readonly TargetLayer[],
  wanted: string,
): TargetLayer {
  const node = graph.nodes.find(({ name }) => name === wanted)
  const name = graph.producers.has(wanted) ? wanted : (node?.output[0] ?? wanted)
  const refuse = (why: string): SessError => {
    const names = candidates.slice(0, 8).map((candidate) => `"${candidate.name}"`)
    const advice = names.length === 0 ? 'It has no feature maps to choose from.' : `Candidates: ${names.join(', ')}.`
    return new SessError('LAYER_NOT_FOUND', `Layer "${wanted}" of model "${graph.name}" ${why}. ${advice}`)
  }
  if (!graph.producers.has(name)) throw refuse('does not exist')
  if (!tensorsBetween(graph, shapes, ends.input, ends.logits).has(name)) {
    throw refuse('is not on the way from the image to the logits')
  }
  const layer = layerDescriber(graph, shapes, ends)(name)
  if (layer === undefined) throw refuse('is no feature map (batch, channels, height and width, both over 1)')
  if (layer.layout === 'tokens' && !tokensReachLogits(graph, shapes, name, ends.logits)) {
    throw refuse('lies behind the last attention: only its class token is read from there on')
  }
  return layer
}

/** What a tensor's name says of it as a feature map; undefined where it is none. */
function layerDescriber(graph: Graph, shapes: Shapes, ends: Ends): (name: string) => TargetLayer | undefined {
  const layouts = tensorLayouts(graph, shapes, ends)
  return (name) => {
    const facts = shapes.get(name)
    if (facts === undefined || facts.dtype !== 'float32' || !isPerImage(facts.dims)) return undefined
    const lengths = facts.dims.slice(1).filter((dim) => typeof dim === 'number')
    if (lengths.length === 2 && facts.dims.length === 3) {
      const grid = tokenGrid(graph, shapes, lengths, ends)
      return grid && { name, channels: lengths[1] ?? 1, ...grid, layout: 'tokens' }
    }
    const layout = layouts.get(name)
    const [a, b, c] = lengths
    if (layout === undefined || a === undefined || b === undefined || c === undefined) return undefined
    const [channels, height, width] = layout === 'NCHW' ? [a, b, c] : [c, a, b]
    return height > 1 && width > 1 ? { name, channels, height, width, layout, skip: 0 } : undefined
  }
}

function isPerImage([batch, ...others]: Dims): boolean {
  const isBatch = batch === 1 || (typeof batch === 'object' && batch.batch === 1)
  return isBatch && others.every((dim) => typeof dim === 'number')
}

/** Operators that by ONNX's definition work on batch x channels x height x width. */
const CHANNELS_FIRST: ReadonlySet<string> = new Set(
  `Conv FusedConv ConvTranspose ConvInteger QLinearConv AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool
  BatchNormalization InstanceNormalization GroupNormalization LRN DepthToSpace SpaceToDepth`.split(/\s+/),
)

/** Where the channels of each 4-D tensor stand, as far as the operators tell. */
function tensorLayouts(graph: Graph, shapes: Shapes, ends: Ends): ReadonlyMap<string, Layout> {
  const layouts = new Map<string, Layout>([[ends.input, ends.inputLayout]])
  const learn = (name: string, layout: Layout) => {
    if (shapes.get(name)?.dims.length === 4) layouts.set(name, layout)
  }
  for (const node of graph.nodes) {
    const [first = ''] = node.input
    if (CHANNELS_FIRST.has(node.opType)) learn(first, 'NCHW')
    const before = node.input.map((input) => layouts.get(input)).find((layout) => layout !== undefined)
    const isTokenLinear = node.opType === 'MatMul' && graph.initializers.has(node.input[1] ?? '')
    const layout = isTokenLinear ? 'NHWC' : layoutAfter(node.opType, before, intsAttribute(node, 'perm'))
    if (layout !== undefined) for (const output of node.output) learn(output, layout)
  }
  return layouts
}

function layoutAfter(
  opType: string,
  before: Layout | undefined,
  perm: readonly number[] | undefined,
): Layout | undefined {
  if (CHANNELS_FIRST.has(opType)) return 'NCHW'
  if (opType === 'LayerNormalization') return 'NHWC'
  if (opType === 'Reshape' || opType === 'MatMul') return undefined
  if (opType !== 'Transpose') return before
  const order = perm?.join()
  if (before === 'NCHW' && order === '0,2,3,1') return 'NHWC'
  if (before === 'NHWC' && order === '0,3,1,2') return 'NCHW'
  return order === '0,1,2,3' ? before : undefined
}
