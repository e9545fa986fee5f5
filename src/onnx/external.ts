import { type FileHandle, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { type GraphProto, type ModelProto, type TensorProto, TensorProto_DataLocation } from 'onnx-buf'
import type { SessError } from '../error.ts'
import { unreadable } from './errors.ts'
import type { Graph } from './graph.ts'
import { readFully } from './read-fully.ts'
import { OWN_FILE } from './skim.ts'

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

/** Another file that a model keeps weights in. */
export interface ExternalFile {
  /** Relative to the model's folder, and inside it by its name. */
  readonly location: string
  /** How far into it the graph reads. */
  readonly bytes: number
}

/** The other files that the graph names, each once, without looking for them. Throws `MODEL_UNREADABLE` for one outside. */
export function namedFiles(proto: ModelProto, name: string): readonly ExternalFile[] {
  const reach = new Map<string, number>()
  for (const tensor of externalTensors(proto)) {
    const location = entryOf(tensor, 'location') ?? ''
    if (location === OWN_FILE) continue
    if (leavesFolder(location)) throw outside(name, location)
    const end = Number(entryOf(tensor, 'offset') ?? 0) + Number(entryOf(tensor, 'length') ?? 0)
    reach.set(location, Math.max(reach.get(location) ?? 0, Number.isFinite(end) ? end : 0))
  }
  return [...reach].map(([location, bytes]) => ({ location, bytes }))
}

function isSet<T>(value: T | undefined): value is T {
  return value !== undefined
}

/**
 * Settles where each large weight is read from: `skim`'s references get the name of the model's own file; what the
 * model keeps in other files stays where it is.
 *
 * Every other file is checked before any is opened: its location must be relative and inside the model's folder
 * (also after following links), and it must be there and long enough. Throws `MODEL_UNREADABLE`.
 */
export async function referToFiles(
  proto: ModelProto,
  file: FileHandle,
  path: string,
  name: string,
): Promise<{ readonly proto: ModelProto; readonly externalFolder: string | undefined }> {
  const tensors = externalTensors(proto)
  const own = tensors.filter((tensor) => entryOf(tensor, 'location') === OWN_FILE)
  const others = tensors.filter((tensor) => !own.includes(tensor))
  await checkLocations(others, dirname(path), name)
  const real = await realpath(path)
  const { size } = await file.stat()
  const folder = others.length > 0 ? await realpath(dirname(path)) : dirname(real)
  // A linked model whose weights lie beside the link: two folders, and ONNX Runtime takes one
  const isApart = dirname(real) !== folder
  for (const tensor of own) {
    if (!fitsIn(tensor, size)) throw unreadable(name, 'refers to weights past its own end')
    if (isApart) await bringHome(tensor, file)
    else setEntry(tensor, 'location', basename(real))
  }
  return { proto, externalFolder: tensors.length > 0 ? folder : undefined }
}

function entryOf(tensor: TensorProto, key: string): string | undefined {
  return tensor.externalData.find((entry) => entry.key === key)?.value
}

/** Where a tensor outside the graph lies; a length of 0 means all that its shape asks for. Undefined for an inline one. */
export function externalPlace(
  tensor: TensorProto,
): { readonly location: string; readonly offset: number; readonly length: number } | undefined {
  const location = entryOf(tensor, 'location')
  if (location === undefined) return undefined
  return {
    location,
    offset: Number(entryOf(tensor, 'offset') ?? 0),
    length: Number(entryOf(tensor, 'length') ?? 0),
  }
}

/** The files that a graph keeps weights in, its own among them where it has large ones. */
export function weightFiles({ initializers, externalFolder }: Graph): readonly string[] {
  if (externalFolder === undefined) return []
  const locations = [...initializers.values()].flatMap((tensor) => externalPlace(tensor)?.location ?? [])
  return [...new Set(locations)].map((location) => join(externalFolder, location))
}

function fitsIn(tensor: TensorProto, size: number): boolean {
  const [offset, length] = [Number(entryOf(tensor, 'offset') ?? 0), Number(entryOf(tensor, 'length') ?? 0)]
  return offset >= 0 && length >= 0 && offset + length <= size
}

function setEntry(tensor: TensorProto, key: string, value: string): void {
  for (const entry of tensor.externalData) if (entry.key === key) entry.value = value
}

async function bringHome(tensor: TensorProto, file: FileHandle): Promise<void> {
  const [offset, length] = [Number(entryOf(tensor, 'offset')), Number(entryOf(tensor, 'length'))]
  tensor.rawData = await readFully(file, offset, length)
  tensor.externalData = []
  tensor.dataLocation = TensorProto_DataLocation.DEFAULT
}

async function checkLocations(tensors: readonly TensorProto[], folder: string, name: string): Promise<void> {
  const sizes = new Map<string, number>()
  for (const tensor of tensors) {
    const location = entryOf(tensor, 'location') ?? ''
    if (!sizes.has(location)) sizes.set(location, await sizeInside(folder, location, name))
    if (!fitsIn(tensor, sizes.get(location) ?? 0))
      throw unreadable(name, `asks for more of "${location}" than it holds`)
  }
}

async function sizeInside(folder: string, location: string, name: string): Promise<number> {
  if (leavesFolder(location)) throw outside(name, location)
  let real: string
  try {
    real = await realpath(join(folder, location))
  } catch (cause) {
    throw unreadable(name, `keeps weights in "${location}", which is missing; put it beside the model`, cause)
  }
  if (!isInside(await realpath(folder), real)) throw outside(name, location)
  return (await stat(real)).size
}

/** By the name alone; a link may still lead out. */
function leavesFolder(location: string): boolean {
  if (location === '' || isAbsolute(location) || /^[a-z]:|^\\|\0/i.test(location)) return true
  return location.split(/[\\/]/).includes('..')
}

function outside(name: string, location: string): SessError {
  return unreadable(name, `keeps weights in "${location}", outside its own folder; that is never opened`)
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
