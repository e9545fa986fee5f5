import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { create } from '@bufbuild/protobuf'
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf'
import { unreadable } from './errors.ts'
import { revise } from './messages.ts'

/** Raw data up to this many bytes stays in the graph: shapes, axes and bounds are read from it. */
export const INLINE_BYTES = 1024

export function usesExternalData(proto: ModelProto): boolean {
  return externalTensors(proto).length > 0
}

function externalTensors(proto: ModelProto): readonly TensorProto[] {
  const found: TensorProto[] = []
  const visit = (graph: GraphProto): void => {
    const tensors = graph.initializer.concat(
      graph.sparseInitializer.flatMap((s) => [s.values, s.indices].filter(isSet)),
    )
    for (const attribute of graph.node.flatMap((node) => node.attribute)) {
      tensors.push(...[attribute.t].filter(isSet), ...attribute.tensors)
      for (const inner of [attribute.g, ...attribute.graphs].filter(isSet)) visit(inner)
    }
    found.push(
      ...tensors.filter((t) => t.dataLocation === TensorProto_DataLocation.EXTERNAL || t.externalData.length > 0),
    )
  }
  if (proto.graph !== undefined) visit(proto.graph)
  return found
}

function isSet<T>(value: T | undefined): value is T {
  return value !== undefined
}

/**
 * Checks every external location before anything is opened: relative, inside the model's folder (also after
 * following links), there, and long enough. Throws `MODEL_UNREADABLE`.
 */
export async function checkExternalData(proto: ModelProto, path: string, name: string): Promise<void> {
  const folder = dirname(path)
  const sizes = new Map<string, number>()
  for (const tensor of externalTensors(proto)) {
    const entry = Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value]))
    const location = entry.location ?? ''
    if (!sizes.has(location)) sizes.set(location, await sizeInside(folder, location, name))
    const end = Number(entry.offset ?? 0) + Number(entry.length ?? 0)
    if (!(end <= (sizes.get(location) ?? 0))) throw unreadable(name, `asks for more of "${location}" than it holds`)
  }
}

async function sizeInside(folder: string, location: string, name: string): Promise<number> {
  const outside = unreadable(name, `keeps weights in "${location}", outside its own folder; that is never opened`)
  if (location === '' || isAbsolute(location) || /^[a-z]:|^\\/i.test(location)) throw outside
  if (location.split(/[\\/]/).includes('..')) throw outside
  let real: string
  try {
    real = await realpath(join(folder, location))
  } catch (cause) {
    throw unreadable(name, `keeps weights in "${location}", which is missing; put it beside the model`, cause)
  }
  if (!isInside(await realpath(folder), real)) throw outside
  return (await stat(real)).size
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/**
 * Moves raw data over 1 KB out of the graph: each such initializer becomes external data that names the bytes it
 * came from in the model's own file. A model that already has external data keeps its folder and locations.
 */
export async function referToFile(
  proto: ModelProto,
  bytes: Uint8Array,
  path: string,
): Promise<{ readonly referred: ModelProto; readonly externalFolder: string | undefined }> {
  const graph = proto.graph
  if (graph === undefined) return { referred: proto, externalFolder: undefined }
  const real = await realpath(path)
  const hasOwn = usesExternalData(proto)
  const folder = hasOwn ? await realpath(dirname(path)) : dirname(real)
  if (dirname(real) !== folder) return { referred: proto, externalFolder: folder }
  const initializer = graph.initializer.map((tensor) => referTensor(tensor, bytes, basename(real)))
  const moved = initializer.some((tensor, i) => tensor !== graph.initializer[i])
  return {
    referred: revise(ModelProtoSchema, proto, { graph: revise(GraphProtoSchema, graph, { initializer }) }),
    externalFolder: moved || hasOwn ? folder : undefined,
  }
}

function referTensor(tensor: TensorProto, bytes: Uint8Array, location: string): TensorProto {
  const raw = tensor.rawData
  if (raw.length <= INLINE_BYTES || raw.buffer !== bytes.buffer) return tensor
  const entries = { location, offset: `${raw.byteOffset - bytes.byteOffset}`, length: `${raw.length}` }
  return create(TensorProtoSchema, {
    name: tensor.name,
    dims: tensor.dims,
    dataType: tensor.dataType,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  })
}
