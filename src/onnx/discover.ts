import { type NodeProto, TensorProto_DataType } from 'onnx-buf'
import { unsupported } from './errors.ts'
import type { Graph } from './graph.ts'
import { type DeclaredTensor, declaredTensor } from './messages.ts'
import type { Dim, Dims, Shapes } from './shapes.ts'
import type { PatchGrid } from './tokens.ts'

export type Layout = 'NCHW' | 'NHWC'
export type Activation = 'softmax' | 'sigmoid'

/** What a manifest or an option states; it wins over what the graph suggests. */
export interface ModelOverrides {
  readonly input?: string | undefined
  readonly layout?: Layout | undefined
  readonly height?: number | undefined
  readonly width?: number | undefined
  readonly logits?: string | undefined
  readonly layer?: string | undefined
  /** Patch grid of a transformer, where its tokens do not tell. */
  readonly tokens?: PatchGrid | undefined
  readonly activation?: Activation | undefined
}

export interface ImageInput {
  readonly name: string
  readonly layout: Layout
  readonly height: number
  readonly width: number
  /** Declared batch size; -1 where open. */
  readonly batch: number
}

/** The 4-D float input that takes the photo. Throws `MODEL_UNSUPPORTED` where there is none, or its size is open. */
export function findImageInput(graph: Graph, overrides: ModelOverrides): ImageInput {
  const declared = graph.inputs.map(declaredTensor).filter((input) => input !== undefined)
  const chosen = chooseInput(graph.name, declared, overrides.input)
  if (declared.length > 1) {
    const others = declared.filter(({ name }) => name !== chosen.name).map(({ name }) => `"${name}"`)
    throw unsupported(graph.name, `also asks for input ${others.join(', ')}; only models of one image are explained`)
  }
  if (chosen.elemType !== TensorProto_DataType.FLOAT) {
    const type = TensorProto_DataType[chosen.elemType]?.toLowerCase() ?? 'an unknown type'
    throw unsupported(graph.name, `takes ${type} images at "${chosen.name}"; export it with a float32 input`)
  }
  const dims = chosen.dims ?? [-1, -1, -1, -1]
  const layout = overrides.layout ?? guessLayout(dims)
  const [channels, height, width] = layout === 'NCHW' ? dims.slice(1) : [dims[3], dims[1], dims[2]]
  if (channels !== 3 && channels !== -1) {
    throw unsupported(graph.name, `takes ${channels} channels at "${chosen.name}"; photos have 3`)
  }
  return {
    name: chosen.name,
    layout,
    height: spatialSize(graph.name, 'height', height, overrides.height),
    width: spatialSize(graph.name, 'width', width, overrides.width),
    batch: dims[0] ?? -1,
  }
}

function chooseInput(model: string, inputs: readonly DeclaredTensor[], wanted: string | undefined): DeclaredTensor {
  const named = inputs.find(({ name }) => name === wanted)
  if (wanted !== undefined && named === undefined) {
    const names = inputs.map(({ name }) => `"${name}"`).join(', ')
    throw unsupported(model, `has no input "${wanted}"; its inputs are ${names || 'none'}`)
  }
  const image = named ?? inputs.find(({ dims }) => dims?.length === 4)
  if (image === undefined || (image.dims !== undefined && image.dims.length !== 4)) {
    throw unsupported(model, 'has no image input (4 dimensions: batch, channels, height, width)')
  }
  return image
}

function guessLayout(dims: readonly number[]): Layout {
  return dims[1] !== 3 && dims[3] === 3 ? 'NHWC' : 'NCHW'
}

function spatialSize(model: string, side: string, declared: number | undefined, stated: number | undefined): number {
  const size = declared !== undefined && declared > 0 ? declared : stated
  if (size === undefined) {
    throw unsupported(model, `leaves the input's ${side} open; state input.height and input.width in its manifest`)
  }
  if (stated !== undefined && stated !== size) {
    throw unsupported(model, `has an input ${side} of ${size}, but its manifest states ${stated}`)
  }
  return size
}

interface Logits {
  readonly name: string
  readonly classes: number
  /** Axis of the classes; every other axis but the batch has length 1. */
  readonly classAxis: number
  readonly activation: Activation | 'unknown'
}

/** Operators after an activation that only move or rename the probabilities. */
const VIEWS: ReadonlySet<string> = new Set([
  'Identity',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Dropout',
  'Cast',
])
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  Softmax: 'softmax',
  LogSoftmax: 'softmax',
  Sigmoid: 'sigmoid',
}

/** The class scores before any final activation. Throws `MODEL_UNSUPPORTED` where the graph ends in no class vector. */
export function findLogits(graph: Graph, shapes: Shapes, overrides: ModelOverrides): Logits {
  const start = overrides.logits ?? chooseOutput(graph, shapes)
  if (!graph.producers.has(start)) {
    const names = graph.outputs.map(({ name }) => `"${name}"`).join(', ')
    throw unsupported(graph.name, `has no tensor "${start}" to take as logits; its outputs are ${names}`)
  }
  const end = finalActivation(graph, start)
  const name = end?.node.input[0] ?? start
  const facts = shapes.get(name)
  if (facts === undefined) throw unsupported(graph.name, `leaves the shape of its logits "${name}" open`)
  if (facts.dtype !== 'float32') {
    throw unsupported(graph.name, `gives ${facts.dtype} logits at "${name}"; export it with float32 outputs`)
  }
  const vector = classVector(facts.dims)
  if (vector === undefined) {
    const shown = facts.dims.map((dim) => (typeof dim === 'number' ? dim : 'n')).join(', ')
    throw unsupported(graph.name, `ends in "${name}" of shape [${shown}], which is no vector of classes per image`)
  }
  return { name, ...vector, activation: overrides.activation ?? end?.activation ?? 'unknown' }
}

function chooseOutput(graph: Graph, shapes: Shapes): string {
  const isVector = ({ name }: { readonly name: string }): boolean => {
    const facts = shapes.get(name)
    return facts?.dtype === 'float32' && (classVector(facts.dims)?.classes ?? 0) > 1
  }
  return (graph.outputs.find(isVector) ?? graph.outputs[0])?.name ?? ''
}

function finalActivation(
  graph: Graph,
  start: string,
): { readonly node: NodeProto; readonly activation: Activation } | undefined {
  let node = graph.producers.get(start)
  while (node !== undefined) {
    const activation = ACTIVATIONS[node.opType]
    if (activation !== undefined) return { node, activation }
    if (!VIEWS.has(node.opType)) return undefined
    node = graph.producers.get(node.input[0] ?? '')
  }
  return undefined
}

function classVector(dims: Dims): { readonly classes: number; readonly classAxis: number } | undefined {
  const axes = dims.map((dim, axis) => ({ dim, axis })).filter(({ dim, axis }) => !isBatch(dim, axis, dims.length))
  const long = axes.filter(({ dim }) => dim !== 1)
  const { dim, axis } = long[0] ?? axes.at(-1) ?? { dim: undefined, axis: -1 }
  return long.length <= 1 && typeof dim === 'number' ? { classes: dim, classAxis: axis } : undefined
}

function isBatch(dim: Dim, axis: number, rank: number): boolean {
  return typeof dim === 'number' ? axis === 0 && dim === 1 && rank > 1 : axis === 0 && dim.batch === 1
}
