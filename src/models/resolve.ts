import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { readLabels } from './labels.ts'
import { MAX_MODEL_BYTES, type Manifest, parseManifest } from './manifest.ts'

export interface ResolvedModel {
  /** The manifest's id, or the file's name. */
  readonly id: string
  /** The `.onnx` file. */
  readonly path: string
  readonly manifest: Manifest | undefined
  /** In class order; what the manifest names. */
  readonly labels: readonly string[] | undefined
}

interface Options {
  readonly signal?: AbortSignal | undefined
  /** Folder of the manifests that ship with the package. */
  readonly registry?: string | undefined
}

/** Inline labels of a large model fit; anything larger is not a manifest. */
const MAX_MANIFEST_BYTES = 2 ** 24
const packageModels = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'models')

/**
 * Finds a model by registry id, path to a `.onnx` (or to its manifest), or folder, and checks what its manifest
 * states about the file. A bare name is looked up in the registry first; `./name` is always a path.
 */
export async function resolveModel(name: string | URL, options: Options = {}): Promise<ResolvedModel> {
  const { signal, registry = packageModels } = options
  throwIfAborted(signal)
  const path = pathOf(name)
  if (/^[A-Za-z0-9][\w.@-]*$/.test(path) && extname(path) !== '.onnx') {
    const entry = await registryEntry(registry, path)
    if (entry !== undefined) return await fromManifest(entry, options)
  }
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => cause)
  if (info instanceof Error) throw await missing(path, registry, info)
  if (info.isDirectory()) return await fromFolder(path, options)
  if (extname(path).toLowerCase() === '.json') return await fromManifest(path, options)
  const beside = join(dirname(path), `${basename(path, extname(path))}.json`)
  const manifest = (await isFile(beside)) ? await readManifest(beside, signal) : undefined
  return await resolved(path, manifest, dirname(path), options)
}

function pathOf(name: string | URL): string {
  if (name instanceof URL) {
    if (name.protocol === 'file:') return fileURLToPath(name)
    throw new SessError('MODEL_NOT_FOUND', `${name.href} is not a file: URL. Download the model and pass its path.`)
  }
  if (name.startsWith('hf:')) {
    throw new SessError(
      'MODEL_UNSUPPORTED',
      `${name}: models of the Hugging Face hub cannot be loaded by name yet. Download the .onnx and pass its path with --model.`,
    )
  }
  if (/^https?:/i.test(name)) {
    throw new SessError('MODEL_NOT_FOUND', `${name} is an address. Download the model and pass its path with --model.`)
  }
  return name
}

async function missing(path: string, registry: string, cause: Error): Promise<SessError> {
  const known = await registryIds(registry)
  const ids = known.length === 0 ? 'this version brings no models of its own' : `known ids: ${known.join(', ')}`
  return new SessError(
    'MODEL_NOT_FOUND',
    `${path === '' ? 'The empty name' : path} is neither a file, nor a folder, nor the id of a model that comes with the package (${ids}). ` +
      'Pass the path of a .onnx file with --model (the first argument of Explainer.load).',
    { cause },
  )
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

async function fromManifest(path: string, options: Options): Promise<ResolvedModel> {
  const manifest = await readManifest(path, options.signal)
  if (manifest.file === undefined) {
    throw new SessError(
      'MODEL_NOT_FOUND',
      `${manifest.id} has to be downloaded first: ${manifest.url}. Pass the file's path with --model.`,
    )
  }
  return await resolved(join(dirname(path), manifest.file), manifest, dirname(path), options)
}

/** `model.onnx`, else the only `.onnx`, else the one that the only manifest names. */
async function fromFolder(folder: string, options: Options): Promise<ResolvedModel> {
  const names = (await readdir(folder)).sort()
  const models = names.filter((name) => extname(name).toLowerCase() === '.onnx')
  const manifests = await manifestsAmong(folder, names, options.signal)
  const model = models.find((name) => name === 'model.onnx') ?? (models.length === 1 ? models[0] : undefined)
  if (model !== undefined) {
    const own = names.find((name) => name === `${basename(model, extname(model))}.json`)
    const of = own ?? manifests.find(({ file }) => file === model)?.name
    const manifest = of === undefined ? undefined : await readManifest(join(folder, of), options.signal)
    return await resolved(join(folder, model), manifest, folder, options)
  }
  if (manifests.length === 1 && manifests[0] !== undefined)
    return await fromManifest(join(folder, manifests[0].name), options)
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
  options: Options,
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
  if (manifest !== undefined) await verify(path, info, manifest, options.signal)
  const labels = await labelsOf(manifest, folder, options.signal)
  return { id: manifest?.id ?? basename(path, extname(path)), path: resolve(path), manifest, labels }
}

/** Size first: it costs nothing. The hash is streamed, so that memory does not grow with the model. */
async function verify(path: string, info: Stats, manifest: Manifest, signal: AbortSignal | undefined): Promise<void> {
  const mismatch = (what: string) =>
    new SessError(
      'CHECKSUM_MISMATCH',
      `${path} ${what}, as the manifest of ${manifest.id} states it. Fetch the file again, or correct the manifest if you changed the model.`,
    )
  if (manifest.bytes !== undefined && info.size !== manifest.bytes) {
    throw mismatch(`has ${info.size} bytes instead of ${manifest.bytes}`)
  }
  if (manifest.sha256 === undefined) return
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) }))
      hash.update(chunk)
  } catch (cause) {
    throwIfAborted(signal)
    const why = cause instanceof Error ? cause.message : cause
    throw new SessError('MODEL_UNREADABLE', `${path} cannot be read (${why}).`, { cause })
  }
  const digest = hash.digest('hex')
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
