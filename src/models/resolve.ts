import type { Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { distance } from 'fastest-levenshtein'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { cachedPath, fetchModel, isCached, isRemote } from './cache.ts'
import { sha256Of } from './checksum.ts'
import type { DownloadProgress } from './download.ts'
import { fetchHubModel, hubModel, isHubModelCached, isHubName } from './hub.ts'
import { readLabels } from './labels.ts'
import { MAX_MANIFEST_BYTES, MAX_MODEL_BYTES, type Manifest, parseManifest } from './manifest.ts'
import { isTransformersFolder, modelFile, type NotApplied, readTransformers } from './transformers.ts'

export interface ResolvedModel {
  /** The manifest's id, or the file's name. */
  readonly id: string
  /** The `.onnx` file. */
  readonly path: string
  readonly manifest: Manifest | undefined
  /** Where the manifest was read. */
  readonly manifestPath?: string | undefined
  /** What a preprocessor file asks for and the base view does without. */
  readonly notApplied?: readonly NotApplied[]
  /** In class order; what the manifest names. */
  readonly labels: readonly string[] | undefined
}

export interface ResolveOptions {
  readonly signal?: AbortSignal | undefined
  /** Of a download, where there is one. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** What becomes of a model that is known and not here: `refuse` keeps off the network. */
  readonly absent?: 'download' | 'refuse' | undefined
  /** Folder of the manifests that ship with the package. */
  readonly registry?: string | undefined
  /** `leave`: the caller compares the file itself with what it knows of it. */
  readonly checksum?: 'check' | 'leave' | undefined
}

/** How a model was named: an id that means the same everywhere (registry, `hf:`), or a place on this machine. */
export type ModelReference =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'path'; readonly path: string }

const packageModels = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'models')

/**
 * Finds a model by registry id, path to a `.onnx` (or to its manifest), folder, or `hf:ORG/NAME[@REVISION][:VARIANT]`,
 * and checks what its manifest states about the file. One that is known and not here is downloaded into the cache. A
 * bare name is looked up in the registry first; `./name` is always a path.
 */
export async function resolveModel(name: string | URL, options: ResolveOptions = {}): Promise<ResolvedModel> {
  const { signal, registry = packageModels } = options
  throwIfAborted(signal)
  if (typeof name !== 'string' && !(name instanceof URL)) {
    throw new SessError('MODEL_NOT_FOUND', 'The model is neither an id, a path nor a URL. Pass one of these.')
  }
  const path = pathOf(name)
  if (isHubName(path)) return await fromHub(path, options)
  if (isId(path)) {
    const entry = await registryEntry(registry, path)
    if (entry !== undefined) return await fromManifest(entry, options)
  }
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => cause)
  if (info instanceof Error) throw await missing(path, registry, info)
  if (info.isDirectory()) return await fromFolder(path, options)
  if (extname(path).toLowerCase() === '.json') return await fromManifest(path, options)
  const beside = join(dirname(path), `${basename(path, extname(path))}.json`)
  const manifestPath = (await isFile(beside)) ? beside : undefined
  if (manifestPath === undefined) {
    const folder =
      basename(dirname(resolve(path))) === 'onnx' ? dirname(dirname(resolve(path))) : dirname(resolve(path))
    if (await isTransformersFolder(folder))
      return await fromTransformers(folder, path, basename(path, extname(path)), options)
  }
  const manifest = manifestPath === undefined ? undefined : await readManifest(manifestPath, signal)
  return { ...(await resolved(path, manifest, dirname(path), options)), manifestPath }
}

/** What a name that `resolveModel` takes refers to; a path comes absolute. */
export async function modelReference(name: string | URL, registry: string = packageModels): Promise<ModelReference> {
  const path = pathOf(name)
  const isKnown = isHubName(path) || (isId(path) && (await registryEntry(registry, path)) !== undefined)
  return isKnown ? { kind: 'id', id: path } : { kind: 'path', path: resolve(path) }
}

function pathOf(name: string | URL): string {
  if (name instanceof URL) {
    if (name.protocol === 'file:') return fileURLToPath(name)
    throw new SessError('MODEL_NOT_FOUND', `${name.href} is not a file: URL. Download the model and pass its path.`)
  }
  if (/^https?:/i.test(name)) {
    throw new SessError('MODEL_NOT_FOUND', `${name} is an address. Download the model and pass its path with --model.`)
  }
  return name
}

async function missing(path: string, registry: string, cause: Error): Promise<SessError> {
  const known = await registryIds(registry)
  return new SessError(
    'MODEL_NOT_FOUND',
    `${path === '' ? 'The empty name' : path} is neither a file, nor a folder, nor the id of a known model${nearest(path, known)}. ` +
      'Pass an id of sess models list, or the path of a .onnx file, with --model (the first argument of Explainer.load).',
    { cause },
  )
}

function nearest(wanted: string, ids: readonly string[]): string {
  const byEdits = ids.map((id) => ({ id, edits: id.startsWith(wanted) ? 0 : distance(wanted, id) }))
  const near = byEdits.sort((a, b) => a.edits - b.edits).slice(0, 5)
  return wanted === '' || near.length === 0 ? '' : ` (nearest: ${near.map(({ id }) => id).join(', ')})`
}

/** The manifest of a registry id, and where it stands. `MODEL_NOT_FOUND` with the nearest ids where there is none. */
export async function registryManifest(id: string, options: ResolveOptions = {}) {
  const { registry = packageModels, signal } = options
  const path = isId(id) ? await registryEntry(registry, id) : undefined
  if (path !== undefined) return { path, manifest: await readManifest(path, signal) }
  throw new SessError(
    'MODEL_NOT_FOUND',
    `${id === '' ? 'The empty name' : id} is not the id of a known model${nearest(id, await registryIds(registry))}. See sess models list.`,
  )
}

function isId(name: string): boolean {
  return /^[A-Za-z0-9][\w.@-]*$/.test(name) && extname(name) !== '.onnx'
}

/** Where the file of a manifest is, or would be, and whether it is there. */
export async function placeOf(manifest: Manifest, manifestPath: string) {
  const beside = manifest.file === undefined ? undefined : join(dirname(manifestPath), manifest.file)
  if (isRemote(manifest) && (beside === undefined || !(await isFile(beside)))) {
    return { path: cachedPath(manifest), state: (await isCached(manifest)) ? 'cached' : 'remote' } as const
  }
  return { path: beside ?? '', state: 'local' } as const
}

async function registryEntry(registry: string, id: string): Promise<string | undefined> {
  for (const path of [join(registry, `${id}.json`), join(registry, id, `${id}.json`)]) {
    if (await isFile(path)) return path
  }
  return undefined
}

/** Ids of the models that ship with the package. */
export async function registryIds(registry: string = packageModels): Promise<readonly string[]> {
  const entries = await readdir(registry, { withFileTypes: true }).catch(() => [])
  const ids = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isFile()) return extname(entry.name) === '.json' ? [basename(entry.name, '.json')] : []
      return (await isFile(join(registry, entry.name, `${entry.name}.json`))) ? [entry.name] : []
    }),
  )
  return ids.flat().sort()
}

async function fromManifest(manifestPath: string, options: ResolveOptions): Promise<ResolvedModel> {
  const manifest = await readManifest(manifestPath, options.signal)
  const { path, state } = await placeOf(manifest, manifestPath)
  if (state === 'remote' && isRemote(manifest)) {
    if (options.absent === 'refuse') throw notHere(manifest.id)
    await fetchModel(manifest, options)
  }
  const model = await resolved(path, manifest, dirname(manifestPath), options)
  return { ...model, manifestPath }
}

export function notHere(id: string): SessError {
  return new SessError('MODEL_NOT_FOUND', `${id} is not downloaded yet. Fetch it with sess models pull ${id}.`)
}

async function fromHub(name: string, options: ResolveOptions): Promise<ResolvedModel> {
  const model = hubModel(name)
  if (options.absent === 'refuse' && !(await isHubModelCached(model))) throw notHere(name)
  await fetchHubModel(model, options)
  return await fromTransformers(model.folder, model.path, name, options)
}

/** A model in a folder that is told about in the way of transformers.js. */
async function fromTransformers(
  folder: string,
  path: string,
  id: string,
  options: ResolveOptions,
): Promise<ResolvedModel> {
  const { manifest, preprocessor, notApplied, labels } = await readTransformers(folder, id, path, options.signal)
  const model = await resolved(path, manifest, folder, options)
  return { ...model, manifestPath: preprocessor, notApplied, labels }
}

/** `model.onnx`, else the only `.onnx`, else the one that the only manifest names. */
async function fromFolder(folder: string, options: ResolveOptions): Promise<ResolvedModel> {
  const names = (await readdir(folder)).sort()
  const models = names.filter((name) => extname(name).toLowerCase() === '.onnx')
  const manifests = await manifestsAmong(folder, names, options.signal)
  const model = models.find((name) => name === 'model.onnx') ?? (models.length === 1 ? models[0] : undefined)
  if (model !== undefined) {
    const own = names.find((name) => name === `${basename(model, extname(model))}.json`)
    const of = own ?? manifests.find(({ file }) => file === model)?.name
    if (of === undefined && (await isTransformersFolder(folder))) {
      return await fromTransformers(folder, join(folder, model), basename(resolve(folder)), options)
    }
    const manifestPath = of === undefined ? undefined : join(folder, of)
    const manifest = manifestPath === undefined ? undefined : await readManifest(manifestPath, options.signal)
    return { ...(await resolved(join(folder, model), manifest, folder, options)), manifestPath }
  }
  if (manifests.length === 1 && manifests[0] !== undefined)
    return await fromManifest(join(folder, manifests[0].name), options)
  if (models.length === 0 && (await isFile(join(folder, modelFile)))) {
    return await fromTransformers(folder, join(folder, modelFile), basename(resolve(folder)), options)
  }
  const what = models.length === 0 ? 'no .onnx file' : `several models (${models.slice(0, 10).join(', ')})`
  throw new SessError(
    'MODEL_NOT_FOUND',
    `The folder ${folder} has ${what}. Pass the path of one .onnx file with --model.`,
  )
}

/** Files that say they are manifests. Others (configurations of tokenizers and the like) are none of our business. */
async function manifestsAmong(folder: string, names: readonly string[], signal: AbortSignal | undefined) {
  const found: { name: string; file: unknown }[] = []
  for (const name of names.filter((n) => n.endsWith('.json'))) {
    const path = join(folder, name)
    const { size } = await stat(path).catch(() => ({ size: Number.POSITIVE_INFINITY }))
    if (size > MAX_MANIFEST_BYTES) continue
    try {
      const data = JSON.parse(await readFile(path, { encoding: 'utf8', signal }))
      if (typeof data === 'object' && data !== null && 'schema' in data && 'id' in data)
        found.push({ name, file: data.file })
    } catch {
      throwIfAborted(signal)
    }
  }
  return found
}

async function readManifest(path: string, signal: AbortSignal | undefined): Promise<Manifest> {
  try {
    const { size } = await stat(path)
    if (size > MAX_MANIFEST_BYTES) throw new Error(`${size} bytes are too many`)
    return parseManifest(await readFile(path, { encoding: 'utf8', signal }), path)
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof SessError) throw cause
    const why = cause instanceof Error ? cause.message : cause
    throw new SessError('MODEL_UNREADABLE', `The manifest ${path} cannot be read (${why}).`, { cause })
  }
}

async function resolved(
  path: string,
  manifest: Manifest | undefined,
  folder: string,
  options: ResolveOptions,
): Promise<ResolvedModel> {
  const info = await stat(path).catch((cause: Error) => {
    const what = manifest === undefined ? '' : `, which the manifest of ${manifest.id} names,`
    throw new SessError('MODEL_NOT_FOUND', `The model file ${path}${what} does not exist.`, { cause })
  })
  if (!info.isFile()) throw new SessError('MODEL_UNREADABLE', `${path} is not a regular file.`)
  if (info.size > MAX_MODEL_BYTES) {
    throw new SessError(
      'MODEL_UNSUPPORTED',
      `${path} has ${info.size} bytes; the limit is 2 GiB. Keep its weights as external data beside it.`,
    )
  }
  if (manifest !== undefined && options.checksum !== 'leave') await verify(path, info, manifest, options.signal)
  const labels = await labelsOf(manifest, folder, options.signal)
  return { id: manifest?.id ?? basename(path, extname(path)), path: resolve(path), manifest, labels }
}

/** Size first: it costs nothing. The hash is streamed, so that memory does not grow with the model. */
async function verify(path: string, info: Stats, manifest: Manifest, signal: AbortSignal | undefined): Promise<void> {
  const cached = isRemote(manifest) && path === cachedPath(manifest)
  const mend = cached ? `Fetch it again with sess models pull ${manifest.id} --force` : 'Fetch the file again'
  const mismatch = (what: string) =>
    new SessError(
      'CHECKSUM_MISMATCH',
      `${path} ${what}, as the manifest of ${manifest.id} states it. ${mend}, or correct the manifest if you changed the model.`,
    )
  if (manifest.bytes !== undefined && info.size !== manifest.bytes) {
    throw mismatch(`has ${info.size} bytes instead of ${manifest.bytes}`)
  }
  if (manifest.sha256 === undefined) return
  const digest = await sha256Of(path, signal).catch((cause) => {
    throwIfAborted(signal)
    const why = cause instanceof Error ? cause.message : cause
    throw new SessError('MODEL_UNREADABLE', `${path} cannot be read (${why}).`, { cause })
  })
  if (digest !== manifest.sha256.toLowerCase()) throw mismatch(`has SHA-256 ${digest} instead of ${manifest.sha256}`)
}

async function labelsOf(manifest: Manifest | undefined, folder: string, signal: AbortSignal | undefined) {
  if (manifest?.labels === undefined || typeof manifest.labels !== 'string') return manifest?.labels
  const path = join(folder, manifest.labels)
  try {
    return await readLabels(path, signal)
  } catch (cause) {
    throwIfAborted(signal)
    const why = cause instanceof Error ? cause.message : cause
    throw new SessError(
      'MODEL_UNREADABLE',
      `The manifest of ${manifest.id}: field "labels": ${path} holds no labels (${why}).`,
      { cause },
    )
  }
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}
