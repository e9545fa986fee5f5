import { GraphProtoSchema, ModelProtoSchema, type NodeProto, NodeProtoSchema, type TensorProto } from 'onnx-buf'
import type { ImageInput } from './discover.ts'
import { unsupported } from './errors.ts'
import { type Graph, readGraph } from './graph.ts'
import { revise } from './messages.ts'
import { dependents } from './paths.ts'
import {
  type Dim,
  type ImageShape,
  probeBatchedShapes,
  probeSingleShapes,
  type ShapeProbe,
  type Shapes,
} from './shapes.ts'
import { int64Tensor, tensorValues } from './tensors.ts'

/**
 * `dynamic`: the model takes any number of images at once as it is; `made-dynamic`: it does after its batch
 * dimension was opened; `fixed`: it takes one image at a time.
 */
export type Batch = 'dynamic' | 'made-dynamic' | 'fixed'

interface Batched {
  readonly batch: Batch
  readonly graph: Graph
  readonly shapes: Shapes
}

/** Opens the batch dimension where the graph allows, and infers every tensor's shape. */
export async function openBatch(graph: Graph, input: ImageInput, probe: ShapeProbe): Promise<Batched> {
  if (input.batch > 1) {
    throw unsupported(
      graph.name,
      `takes exactly ${input.batch} images at once; export it with a batch of 1 or an open one`,
    )
  }
  const { name, height, width } = input
  const image: ImageShape = { name, dims: input.layout === 'NCHW' ? [3, height, width] : [height, width, 3] }
  if (mixesImages(graph)) return { batch: 'fixed', graph, shapes: await probeSingle(graph, image, probe) }
  const asIs = await probeScaling(graph, image, probe)
  if (asIs !== undefined) return { batch: input.batch === 1 ? 'made-dynamic' : 'dynamic', graph, shapes: asIs }
  const single = await probeSingle(graph, image, probe)
  const opened = openReshapes(graph, image, single)
  const shapes = opened === undefined ? undefined : await probeScaling(opened, image, probe)
  if (opened !== undefined && shapes !== undefined) return { batch: 'made-dynamic', graph: opened, shapes }
  return { batch: 'fixed', graph, shapes: single }
}

/** DynamicQuantizeLinear takes its range over the whole batch: in one, images would change each other's logits. */
function mixesImages({ nodes }: Graph): boolean {
  return nodes.some(({ opType }) => opType === 'DynamicQuantizeLinear')
}

async function probeSingle(graph: Graph, image: ImageShape, probe: ShapeProbe): Promise<Shapes> {
  try {
    return await probeSingleShapes(graph, image, probe)
  } catch (cause) {
    if (!isAboutModel(cause)) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw unsupported(graph.name, `is refused by ONNX Runtime: ${why}`, cause)
  }
}

/** Whether the probe failed for the model's sake, and not for want of memory or of the native library. */
function isAboutModel(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'MODEL_UNSUPPORTED'
  return code.startsWith('MODEL_') || !/^[A-Z_]+$/.test(code)
}

/** The shapes over the batch size; undefined where some tensor does not grow with the batch as one image each. */
async function probeScaling(graph: Graph, image: ImageShape, probe: ShapeProbe): Promise<Shapes | undefined> {
  let shapes: Shapes
  try {
    shapes = await probeBatchedShapes(graph, image, probe)
  } catch (cause) {
    if (!isAboutModel(cause)) throw cause
    return undefined
  }
  const reached = dependents(graph, image.name)
  for (const name of reached) {
    const facts = shapes.get(name)
    if (facts === undefined) return undefined
    const isFloat = facts.dtype.startsWith('float')
    if (isFloat && facts.dims.filter((dim) => typeof dim !== 'number').length !== 1) return undefined
  }
  return graph.outputs.some(({ name }) => reached.has(name) && isOneForEach(shapes.get(name)?.dims[0]))
    ? shapes
    : undefined
}

/** A first axis with one entry for each image; `[1, 5 x batch]` grows too, but has merged the images. */
function isOneForEach(dim: Dim | undefined): boolean {
  return typeof dim === 'object' && dim.batch === 1
}

/** Reshapes of one image's tensors to constant shapes, rewritten to `[-1, rest of the shape]`. */
function openReshapes(graph: Graph, image: ImageShape, single: Shapes): Graph | undefined {
  const reached = dependents(graph, image.name)
  const shapes: TensorProto[] = []
  const nodes = graph.nodes.map((node): NodeProto => {
    const shape = openedShape(graph, node, reached, single)
    if (shape === undefined) return node
    const name = uniqueName(graph, `${node.output[0]}_any_batch`)
    shapes.push(int64Tensor(name, shape, [shape.length]))
    return revise(NodeProtoSchema, node, { input: [node.input[0] ?? '', name] })
  })
  const proto = graph.proto.graph
  if (shapes.length === 0 || proto === undefined) return undefined
  const opened = revise(GraphProtoSchema, proto, { node: nodes, initializer: [...proto.initializer, ...shapes] })
  return readGraph({ ...graph, proto: revise(ModelProtoSchema, graph.proto, { graph: opened }) })
}

function openedShape(
  graph: Graph,
  node: NodeProto,
  reached: ReadonlySet<string>,
  single: Shapes,
): readonly number[] | undefined {
  const [data = '', shape = ''] = node.input
  const constant = graph.initializers.get(shape)
  const values = constant === undefined ? undefined : tensorValues(constant)
  if (node.opType !== 'Reshape' || !reached.has(data) || values?.[0] !== 1) return undefined
  const dims = single.get(node.output[0] ?? '')?.dims
  return dims?.map((dim, axis) => (axis === 0 || typeof dim !== 'number' ? -1 : dim))
}

function uniqueName(graph: Graph, wanted: string): string {
  let name = wanted
  while (graph.producers.has(name) || graph.initializers.has(name)) name = `${name}_`
  return name
}
