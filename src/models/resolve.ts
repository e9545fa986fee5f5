import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { isFile } from '../io/is-file.ts'
import { cachedPath, fetchModel, isCached, isRemote } from './cache.ts'
import type { DownloadProgress } from './download.ts'
import { fetchHubModel, hubModel, isHubModelCached, isHubName } from './hub.ts'
import { isId, nearest, packageModels, registryEntry, registryIds } from './known-models.ts'
import { MAX_MANIFEST_BYTES, type Manifest, readManifest } from './manifest.ts'
import { checkedModel, type ModelFileOptions, type ResolvedModel } from './model-file.ts'
import { isTransformersFolder, modelFile, readTransformers } from './transformers.ts'

interface ResolveOptions extends ModelFileOptions {
  /** Of a download, where there is one. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** What becomes of a model that is known and not here: `refuse` keeps off the network. */
  readonly absent?: 'download' | 'refuse' | undefined
  /** Folder of the manifests that ship with the package. */
  readonly registry?: string | undefined
}

/** How a model was named: an id that means the same everywhere (registry, `hf:`), or a place on this machine. */
export type ModelReference =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'path'; readonly path: string }

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
  return { ...(await checkedModel(path, manifest, dirname(path), options)), manifestPath }
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

/** Where the file of a manifest is, or would be, and whether it is there. */
export async function placeOf(manifest: Manifest, manifestPath: string) {
  const beside = manifest.file === undefined ? undefined : join(dirname(manifestPath), manifest.file)
  if (isRemote(manifest) && (beside === undefined || !(await isFile(beside)))) {
    return { path: cachedPath(manifest), state: (await isCached(manifest)) ? 'cached' : 'remote' } as const
  }
  return { path: beside ?? '', state: 'local' } as const
}

async function fromManifest(manifestPath: string, options: ResolveOptions): Promise<ResolvedModel> {
  const manifest = await readManifest(manifestPath, options.signal)
  const { path, state } = await placeOf(manifest, manifestPath)
  if (state === 'remote' && isRemote(manifest)) {
    if (options.absent === 'refuse') throw notHere(manifest.id)
    await fetchModel(manifest, options)
  }
  const model = await checkedModel(path, manifest, dirname(manifestPath), options)
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
  const model = await checkedModel(path, manifest, folder, options)
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
    return { ...(await checkedModel(join(folder, model), manifest, folder, options)), manifestPath }
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
