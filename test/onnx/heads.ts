import { toBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, type ModelProto, ModelProtoSchema } from 'onnx-buf'
import { nodeReads } from '../../src/onnx/graph.ts'
import { makeValueInfo, revise } from '../../src/onnx/messages.ts'
import type { buildCamModel } from './cam-model.ts'
import { size, uniform } from './models.ts'
import { run, type Values } from './ort.ts'

export function randomImages(dims: readonly number[], seed = 5): Values {
  const next = uniform(seed)
  return { data: Float32Array.from({ length: size(dims) }, next), dims }
}

export function classes(...targets: readonly number[]): Values {
  return { data: BigInt64Array.from(targets, BigInt), dims: [targets.length] }
}

export function numbers(values: Values | undefined): readonly number[] {
  if (values === undefined) throw new Error('no such output')
  return Array.from(values.data, Number)
}

export interface CamResult {
  readonly logits: readonly number[]
  readonly activations: Values
  readonly weights: readonly (readonly number[])[]
}

/** Runs a CAM graph with one list of classes per target. */
export async function runCam(
  model: ReturnType<typeof buildCamModel>,
  images: Values,
  ...targets: readonly (readonly number[])[]
): Promise<CamResult> {
  const feeds = targets.map((target, i): [string, Values] => [model.targetInputs[i] ?? '', classes(...target)])
  const out = await run(model, { [model.inputName]: images, ...Object.fromEntries(feeds) })
  const activations = out[model.outputs.activations]
  if (activations === undefined) throw new Error('no activations')
  return {
    logits: numbers(out[model.outputs.logits]),
    activations,
    weights: model.outputs.weights.map((name) => numbers(out[name])),
  }
}

/** The part of a model from the tensor `layer` (of the given shape per image) to the tensor `logits`. */
export function headOf(proto: ModelProto, layer: string, dims: readonly number[], logits: string): Uint8Array {
  const graph = proto.graph
  if (graph === undefined) throw new Error('no graph')
  const needed = new Set([logits])
  const nodes = [...graph.node].reverse().filter((node) => {
    const isNeeded = node.output.some((output) => needed.has(output) && output !== layer)
    if (isNeeded) for (const read of nodeReads(node)) needed.add(read)
    return isNeeded
  })
  const head = revise(GraphProtoSchema, graph, {
    node: nodes.reverse(),
    initializer: graph.initializer.filter(({ name }) => needed.has(name)),
    input: [makeValueInfo(layer, 1, ['n', ...dims])],
    output: [makeValueInfo(logits)],
    valueInfo: [],
  })
  return toBinary(ModelProtoSchema, revise(ModelProtoSchema, proto, { graph: head }))
}

/**
 * The mean gradient of a class's logit over the pixels of each channel, by central differences: all pixels of a
 * channel are moved together. `activations`: 1 x C x u x v, or 1 x u x v x C with `channelAxis` 3.
 */
export async function numericWeights(
  head: Uint8Array,
  names: { readonly layer: string; readonly logits: string },
  activations: Values,
  options: {
    readonly target: number
    readonly channels: readonly number[]
    readonly step: number
    readonly channelAxis?: 1 | 3
  },
): Promise<readonly number[]> {
  const { dims } = activations
  const axis = options.channelAxis ?? 1
  const below = size(dims.slice(axis + 1))
  const channelOf = (i: number): number => Math.floor(i / below) % (dims[axis] ?? 1)
  const pixels = size(dims) / (dims[axis] ?? 1)
  const base = numbers(activations)
  const evaluate = async (channel: number, shift: number): Promise<number> => {
    const data = Float32Array.from(base, (a, i) => (channelOf(i) === channel ? a + shift : a))
    const out = await run({ bytes: head }, { [names.layer]: { data, dims } })
    return numbers(out[names.logits])[options.target] ?? Number.NaN
  }
  const weights: number[] = []
  for (const channel of options.channels) {
    const difference = (await evaluate(channel, options.step)) - (await evaluate(channel, -options.step))
    weights.push(difference / (2 * options.step * pixels))
  }
  return weights
}
