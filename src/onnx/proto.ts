import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf'
import { SessError } from '../error.ts'
import { unreadable } from './errors.ts'
import { type ExternalFile, namedFiles, referToFiles, usesExternalData } from './external.ts'
import { revise } from './messages.ts'
import { isDefaultDomain } from './operators.ts'
import { skim } from './skim.ts'
import { floatTensor, int64Tensor } from './tensors.ts'

/** Where a model comes from. Bytes have no folder, so their weights stay inline. */
export type ModelSource = { readonly path: string } | { readonly bytes: Uint8Array; readonly name?: string }

/** A decoded model whose large weights are references into the original file wherever there is one. */
export interface ReadModel {
  /** For messages: the file's name. */
  readonly name: string
  readonly proto: ModelProto
  /** Folder that external data is looked up in; undefined when every weight is inline. */
  readonly externalFolder: string | undefined
}

const MAX_FILE_BYTES = 2 ** 31

/**
 * Reads an ONNX model without re-encoding a weight: raw data over 1 KB becomes external data that points into the
 * original file. Constant nodes become initializers.
 *
 * Throws `MODEL_NOT_FOUND` for a missing file and `MODEL_UNREADABLE` for anything that is no whole ONNX model, or
 * whose external data is missing or lies outside the model's folder (nothing outside is opened).
 */
export async function readModel(source: ModelSource): Promise<ReadModel> {
  if ('bytes' in source) {
    const name = source.name ?? 'the model'
    checkStart(source.bytes, name)
    const proto = hoistConstants(decode(source.bytes, name))
    if (usesExternalData(proto)) {
      throw unreadable(name, 'keeps weights in other files, which bytes alone cannot name; give its path')
    }
    return { name, proto, externalFolder: undefined }
  }
  const { path } = source
  const name = basename(path)
  await using file = await openModel(path)
  const proto = hoistConstants(await skimModel(file, name))
  return { name, ...(await referToFiles(proto, file, path, name)) }
}

/**
 * The other files that the model at `path` keeps weights in, as its graph names them; whether they are there is not
 * looked at. Throws as `readModel` does.
 */
export async function externalFiles(path: string): Promise<readonly ExternalFile[]> {
  const name = basename(path)
  await using file = await openModel(path)
  return namedFiles(await skimModel(file, name), name)
}

async function openModel(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) {
      throw new SessError('MODEL_NOT_FOUND', `There is no model file "${path}"; check the path.`, { cause })
    }
    throw unreadable(basename(path), 'cannot be opened', cause)
  }
}

async function modelSize(file: FileHandle, name: string): Promise<number> {
  const facts = await file.stat()
  if (!facts.isFile()) throw unreadable(name, 'is not a file')
  if (facts.size > MAX_FILE_BYTES) {
    throw unreadable(name, `has ${facts.size} bytes; at most 2 GiB are read (save its weights as external data)`)
  }
  return facts.size
}

/** The model without its large weights. */
async function skimModel(file: FileHandle, name: string): Promise<ModelProto> {
  const size = await modelSize(file, name)
  const start = Buffer.alloc(Math.min(size, LFS_POINTER.length))
  await file.read(start, 0, start.length, 0)
  checkStart(start, name)
  const skimmed = await skim(file, size).catch((cause) => {
    throw unreadable(name, 'is not an ONNX model, or is cut short', cause)
  })
  return decode(skimmed, name)
}

const LFS_POINTER = 'version https://git-lfs.github.com/spec/'

function checkStart(bytes: Uint8Array, name: string): void {
  if (bytes.length === 0) throw unreadable(name, 'is empty')
  if (Buffer.from(bytes.subarray(0, LFS_POINTER.length)).toString('latin1') === LFS_POINTER) {
    throw unreadable(name, 'is a Git LFS pointer, not the model itself; run "git lfs pull" or download the file')
  }
}

function decode(bytes: Uint8Array, name: string): ModelProto {
  let proto: ModelProto
  try {
    proto = fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw unreadable(name, 'is not an ONNX model, or is cut short', cause)
  }
  if (proto.graph === undefined || proto.irVersion === 0n) throw unreadable(name, 'holds no ONNX graph')
  if (proto.opsetImport.length === 0) throw unreadable(name, 'names no operator set; the file may be cut short')
  return proto
}

/** The model with its top-level Constant nodes turned into initializers of the same names. */
function hoistConstants(proto: ModelProto): ModelProto {
  const graph = proto.graph
  if (graph === undefined) return proto
  const hoisted: TensorProto[] = []
  const nodes = graph.node.filter((node) => {
    const tensor = constantTensor(node)
    if (tensor !== undefined) hoisted.push(tensor)
    return tensor === undefined
  })
  if (hoisted.length === 0) return proto
  const initializer = [...graph.initializer, ...hoisted]
  return revise(ModelProtoSchema, proto, { graph: revise(GraphProtoSchema, graph, { node: nodes, initializer }) })
}

function constantTensor(node: NodeProto): TensorProto | undefined {
  const name = node.output[0]
  const attribute = node.attribute[0]
  if (node.opType !== 'Constant' || !isDefaultDomain(node.domain) || name === undefined || attribute === undefined)
    return undefined
  switch (attribute.name) {
    case 'value':
      return attribute.t === undefined ? undefined : revise(TensorProtoSchema, attribute.t, { name })
    case 'value_int':
      return int64Tensor(name, [Number(attribute.i)], [])
    case 'value_ints':
      return int64Tensor(name, attribute.ints.map(Number), [attribute.ints.length])
    case 'value_float':
      return floatTensor(name, [attribute.f], [])
    case 'value_floats':
      return floatTensor(name, attribute.floats, [attribute.floats.length])
    default:
      return undefined
  }
}
