import { type Graph, nodeReads } from './graph.ts'
import { tensorsBetween } from './paths.ts'
import type { Dims, Shapes } from './shapes.ts'

/** Class, distillation and register tokens that public vision transformers put before the patches. */
const MOST_EXTRA_TOKENS = 16

/** Patches of a transformer's image. */
export interface PatchGrid {
  readonly height: number
  readonly width: number
}

interface TokenGrid extends PatchGrid {
  readonly skip: number
}

/**
 * The patches behind the tokens of a tensor batch x tokens x channels: a grid that divides the image's sides evenly, by
 * the same stride, after as few extra tokens as possible. Undefined where no token-wise linear layer reads so many
 * tokens (a flattened feature map, batch x channels x positions, is none). A grid that is stated wins: what is more are
 * tokens before it.
 */
export function tokenGrid(
  graph: Graph,
  shapes: Shapes,
  [tokens = 0, channels = 0]: readonly number[],
  image: { readonly height: number; readonly width: number; readonly tokens?: PatchGrid | undefined },
): TokenGrid | undefined {
  if (image.tokens !== undefined) {
    const skip = tokens - image.tokens.height * image.tokens.width
    return skip >= 0 && skip <= MOST_EXTRA_TOKENS ? { ...image.tokens, skip } : undefined
  }
  if (channels <= 1 || !hasTokenLinear(graph, shapes, tokens)) return undefined
  for (let skip = 0; skip <= MOST_EXTRA_TOKENS; skip++) {
    const stride = Math.sqrt((image.height * image.width) / (tokens - skip))
    const [height, width] = [image.height / stride, image.width / stride]
    const isWhole = [stride, height, width].every(Number.isInteger)
    if (isWhole && height > 1 && width > 1) return { height, width, skip }
  }
  return undefined
}

/** Whether some product of batch x tokens x channels with a weight matrix reads this many tokens. */
function hasTokenLinear(graph: Graph, shapes: Shapes, tokens: number): boolean {
  return graph.nodes.some(({ opType, input: [data = '', weights = ''] }) => {
    const dims = shapes.get(data)?.dims
    return opType === 'MatMul' && dims?.length === 3 && dims[1] === tokens && graph.initializers.has(weights)
  })
}

/**
 * Whether what a tensor's patch tokens say reaches the logits: where the head picks one token (a class token), only
 * through an attention on the way there.
 */
export function tokensReachLogits(graph: Graph, shapes: Shapes, name: string, logits: string): boolean {
  const tokens = shapes.get(name)?.dims[1]
  const between = tensorsBetween(graph, shapes, name, logits)
  const picks = graph.nodes.some(({ opType, input: [data = ''], output }) => {
    if (!PICKS.has(opType) || !between.has(data) || !output.some((out) => between.has(out))) return false
    return isTokens(shapes.get(data)?.dims, tokens) && !output.some((out) => isTokens(shapes.get(out)?.dims, tokens))
  })
  const mixes = graph.nodes.some(
    (node) => MIXES.has(node.opType) && nodeReads(node).some((read) => between.has(read) && read !== logits),
  )
  return !picks || mixes
}

const PICKS: ReadonlySet<string> = new Set(['Gather', 'GatherND', 'GatherElements', 'Slice', 'Split'])
const MIXES: ReadonlySet<string> = new Set(['Softmax', 'Attention', 'MultiHeadAttention'])

function isTokens(dims: Dims | undefined, tokens: Dims[number] | undefined): boolean {
  return dims?.length === 3 && dims[1] === tokens
}
