import { create } from '@bufbuild/protobuf'
import { GraphProtoSchema, type TensorProto, TensorProto_DataType } from 'onnx-buf'
import type { TensorInfo } from '../../binding.d.ts'
import { type Constants, foldConstants } from './fold.ts'
import type { Graph } from './graph.ts'
import { makeValueInfo, modelBytes, revise } from './messages.ts'
import { INLINE_BYTES } from './skim.ts'
import { toProto } from './small-tensor.ts'
import { type FloatType, tensorDims } from './tensors.ts'

/** Opens a model unoptimised and says its outputs, in the model's order, with the shapes ONNX Runtime infers. */
export type ShapeProbe = (model: Uint8Array, externalFolder: string | undefined) => Promise<readonly TensorInfo[]>

/** One axis: a fixed length, or a multiple of the batch size. */
export type Dim = number | { readonly batch: number }
export type Dims = readonly Dim[]

export interface TensorFacts {
  readonly dims: Dims
  readonly dtype: TensorInfo['dtype']
}

/** Facts of every tensor whose rank and axes are known. */
export type Shapes = ReadonlyMap<string, TensorFacts>

/** A float input without its batch axis. */
export interface ImageShape {
  readonly name: string
  readonly dims: readonly number[]
  /** float32 unless said otherwise. */
  readonly type?: FloatType
}

export function sameDim(a: Dim, b: Dim): boolean {
  return typeof a === 'number' || typeof b === 'number' ? a === b : a.batch === b.batch
}

/** Two batch sizes that no layer's channel count or window is likely to equal. */
const BATCHES = [7, 11] as const

/** Shapes as functions of the batch size, from two probes. Rejects where the graph does not take other batches. */
export async function probeBatchedShapes(graph: Graph, image: ImageShape, probe: ShapeProbe): Promise<Shapes> {
  const [small, large] = BATCHES
  const smaller = await probeAt(graph, image, small, probe)
  const larger = await probeAt(graph, image, large, probe)
  return mapFacts(smaller, (name, i, length) => {
    const other = larger.get(name)?.shape[i]
    if (other === length) return length
    const isMultiple = other !== undefined && length % small === 0 && length / small === other / large
    return isMultiple ? { batch: length / small } : undefined
  })
}

/** Shapes with the batch fixed to one: every axis is a number. */
export async function probeSingleShapes(graph: Graph, image: ImageShape, probe: ShapeProbe): Promise<Shapes> {
  return mapFacts(await probeAt(graph, image, 1, probe), (_name, _i, length) => length)
}

/** Tensors of which some axis stays unknown are left out. */
function mapFacts(
  infos: ReadonlyMap<string, TensorInfo>,
  dimOf: (name: string, axis: number, length: number) => Dim | undefined,
): Shapes {
  const shapes = new Map<string, TensorFacts>()
  for (const { name, shape, dtype } of infos.values()) {
    const dims = shape.flatMap((length, i) => (length < 0 ? [] : (dimOf(name, i, length) ?? [])))
    if (dims.length === shape.length) shapes.set(name, { dims, dtype })
  }
  return shapes
}

async function probeAt(
  graph: Graph,
  image: ImageShape,
  batch: number,
  probe: ShapeProbe,
): Promise<ReadonlyMap<string, TensorInfo>> {
  const known = knownInfos(graph, image, batch)
  let folded: Constants = new Map()
  for (;;) {
    const outputs = await probe(probeModel(graph, image, batch, folded), graph.externalFolder)
    const infos = new Map([...known, ...outputs.map((info): [string, TensorInfo] => [info.name, info])])
    for (const [name, { dims, type }] of folded) infos.set(name, { name, dtype: dtypeOf(type), shape: dims })
    if (outputs.every(({ shape }) => isWhole(shape))) return infos
    const more = foldConstants(graph, (name) => {
      const shape = infos.get(name)?.shape
      return shape !== undefined && isWhole(shape) ? shape : undefined
    })
    if (more.size <= folded.size) return infos
    folded = more
  }
}

/** Whether every axis is known. A shape without axes may also mean that not even the rank is. */
function isWhole(shape: readonly number[]): boolean {
  return shape.length > 0 && shape.every((length) => length >= 0)
}

function knownInfos(graph: Graph, image: ImageShape, batch: number): ReadonlyMap<string, TensorInfo> {
  const dtype = image.type === TensorProto_DataType.DOUBLE ? 'float64' : 'float32'
  const infos = new Map<string, TensorInfo>([[image.name, { name: image.name, dtype, shape: [batch, ...image.dims] }]])
  for (const tensor of graph.initializers.values()) {
    infos.set(tensor.name, { name: tensor.name, dtype: dtypeOf(tensor.dataType), shape: tensorDims(tensor) })
  }
  return infos
}

/**
 * The graph without its large weights (they become typed inputs), with `folded` shape arithmetic as constants, and
 * with every node's tensors as outputs.
 */
function probeModel(graph: Graph, image: ImageShape, batch: number, folded: Constants): Uint8Array {
  const tensors = [...graph.initializers.values()]
  const weights = tensors.filter(isLargeFloat)
  const node = graph.nodes.filter(({ output }) => !folded.has(output[0] ?? ''))
  const probeGraph = revise(GraphProtoSchema, graph.proto.graph ?? create(GraphProtoSchema), {
    node,
    initializer: [
      ...tensors.filter((tensor) => !isLargeFloat(tensor)),
      ...[...folded].map(([name, tensor]) => toProto(name, tensor)),
    ],
    input: [
      makeValueInfo(image.name, image.type ?? TensorProto_DataType.FLOAT, [batch, ...image.dims]),
      ...weights.map((tensor) => makeValueInfo(tensor.name, tensor.dataType, tensorDims(tensor))),
    ],
    output: node.flatMap(({ output }) => output.filter((name) => name !== '').map((name) => makeValueInfo(name))),
    valueInfo: [],
  })
  return modelBytes(graph.proto, probeGraph)
}

function isLargeFloat(tensor: TensorProto): boolean {
  const { FLOAT, FLOAT16, DOUBLE } = TensorProto_DataType
  const isFloat = [FLOAT, FLOAT16, DOUBLE].includes(tensor.dataType)
  return isFloat && (tensor.externalData.length > 0 || tensorDims(tensor).reduce((a, b) => a * b, 4) > INLINE_BYTES)
}

function dtypeOf(type: number): TensorInfo['dtype'] {
  switch (type) {
    case TensorProto_DataType.FLOAT:
      return 'float32'
    case TensorProto_DataType.DOUBLE:
      return 'float64'
    case TensorProto_DataType.FLOAT16:
      return 'float16'
    case TensorProto_DataType.INT64:
      return 'int64'
    case TensorProto_DataType.INT32:
      return 'int32'
    case TensorProto_DataType.UINT8:
      return 'uint8'
    case TensorProto_DataType.BOOL:
      return 'bool'
    default:
      return 'other'
  }
}
