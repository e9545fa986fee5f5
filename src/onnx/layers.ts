import { SessError } from '../error.ts'
import type { Layout } from './discover.ts'
import type { Graph } from './graph.ts'
import { intsAttribute } from './messages.ts'
import { dominators, tensorsBetween } from './paths.ts'
import type { Shapes } from './shapes.ts'

/** A feature map that can be explained: `channels x height x width` per image. */
export interface TargetLayer {
  readonly name: string
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly layout: Layout
}

interface Ends {
  readonly input: string
  readonly inputLayout: Layout
  readonly logits: string
}

/**
 * Tensors with spatial extent (height and width over 1) that every path from input to logits passes, the last
 * first: the first is the default target layer, in practice the input of the global pooling.
 */
export function layerCandidates(graph: Graph, shapes: Shapes, ends: Ends): readonly TargetLayer[] {
  const between = tensorsBetween(graph, shapes, ends.input, ends.logits)
  const layouts = tensorLayouts(graph, shapes, ends)
  return dominators(graph, between, ends.input, ends.logits)
    .filter((name) => name !== ends.input)
    .flatMap((name) => describeLayer(name, shapes, layouts) ?? [])
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
  const layer = describeLayer(name, shapes, tensorLayouts(graph, shapes, ends))
  if (layer === undefined) throw refuse('is no feature map (batch, channels, height and width, both over 1)')
  return layer
}

function describeLayer(name: string, shapes: Shapes, layouts: ReadonlyMap<string, Layout>): TargetLayer | undefined {
  const facts = shapes.get(name)
  const layout = layouts.get(name)
  if (facts === undefined || layout === undefined || facts.dtype !== 'float32') return undefined
  const [batch, a, b, c] = facts.dims
  if (typeof a !== 'number' || typeof b !== 'number' || typeof c !== 'number') return undefined
  if (batch !== 1 && (typeof batch !== 'object' || batch.batch !== 1)) return undefined
  const [channels, height, width] = layout === 'NCHW' ? [a, b, c] : [c, a, b]
  return height > 1 && width > 1 ? { name, channels, height, width, layout } : undefined
}

/** Operators that by ONNX's definition work on batch x channels x height x width. */
const CHANNELS_FIRST: ReadonlySet<string> = new Set(
  `Conv ConvTranspose ConvInteger QLinearConv AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool
  BatchNormalization InstanceNormalization GroupNormalization LRN DepthToSpace SpaceToDepth`.split(/\s+/),
)

/** Where the channels of each 4-D tensor stand, as far as the operators tell. */
function tensorLayouts(graph: Graph, shapes: Shapes, ends: Ends): ReadonlyMap<string, Layout> {
  const layouts = new Map<string, Layout>([[ends.input, ends.inputLayout]])
  for (const node of graph.nodes) {
    const before = node.input.map((input) => layouts.get(input)).find((layout) => layout !== undefined)
    const layout = layoutAfter(node.opType, before, intsAttribute(node, 'perm'))
    if (layout === undefined) continue
    for (const output of node.output) if (shapes.get(output)?.dims.length === 4) layouts.set(output, layout)
  }
  return layouts
}

function layoutAfter(
  opType: string,
  before: Layout | undefined,
  perm: readonly number[] | undefined,
): Layout | undefined {
  if (CHANNELS_FIRST.has(opType)) return 'NCHW'
  if (opType === 'Reshape') return undefined
  if (opType !== 'Transpose') return before
  const order = perm?.join()
  if (before === 'NCHW' && order === '0,2,3,1') return 'NHWC'
  if (before === 'NHWC' && order === '0,3,1,2') return 'NCHW'
  return order === '0,1,2,3' ? before : undefined
}
