import { rm } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { invalidOption, SessError } from '../error.ts'
import { isFile } from '../io/is-file.ts'
import { externalFiles } from '../onnx/proto.ts'
import { cacheFolder, type FetchOptions } from './cache.ts'
import { type Download, type DownloadProgress, download } from './download.ts'
import { Answered } from './download-failures.ts'
import { MAX_MANIFEST_BYTES, MAX_MODEL_BYTES } from './manifest.ts'
import { configFile, preprocessorFile } from './transformers.ts'
import { variantFile } from './variants.ts'

/** A model of a hub: `hf:ORG/NAME[@REVISION][:VARIANT]`. */
interface HubModel {
  /** As it was written. */
  readonly name: string
  readonly repository: string
  readonly revision: string
  /** The graph, by its name in the repository. */
  readonly file: string
  /** Its folder in the cache, by name and revision, whatever the endpoint. */
  readonly folder: string
  /** The graph in the cache: variants of a revision lie side by side, as they do in the repository. */
  readonly path: string
}

/** Whether a model is named in the way of `hubModel`, rightly or not. */
export function isHubName(model: string | URL): model is string {
  return typeof model === 'string' && model.startsWith('hf:')
}

/** Files beside the graph; transformers.js takes as many. */
const MOST_DATA_FILES = 100
const MAX_DATA_BYTES = 2 ** 36

/**
 * A variant stands behind a colon, as tags do for Ollama and llama.cpp: no revision of git holds one, where `#` and
 * `/` may be part of it.
 * @throws SessError `MODEL_NOT_FOUND` for what is no such name, `OPTION_INVALID` for a variant that is none
 */
export function hubModel(name: string): HubModel {
  const match = /^hf:([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@(\w[\w./-]{0,127}))?(?::([^:]*))?$/.exec(
    name,
  )
  const [, repository, revision = 'main', variant = 'fp32'] = match ?? []
  if (repository === undefined) {
    throw new SessError(
      'MODEL_NOT_FOUND',
      `${name} names no model of a hub; expected hf:ORG/NAME, hf:ORG/NAME@REVISION or either with :VARIANT behind it.`,
    )
  }
  const file = variantFile(variant, name)
  const folder = join(cacheFolder(), 'hub', `${repository}@${encodeURIComponent(revision)}`)
  return { name, repository, revision, file, folder, path: join(folder, file) }
}

/**
 * Whether graph and weights are here. They come last: where they are, the rest is too, or was not there to be had.
 * @throws SessError `MODEL_UNREADABLE`, `MODEL_UNSUPPORTED` as `fetchHubModel`
 */
export async function isHubModelCached(model: HubModel): Promise<boolean> {
  if (!(await isFile(model.path))) return false
  for (const { file } of await dataFiles(model)) if (!(await isFile(join(model.folder, file)))) return false
  return true
}

/**
 * Downloads what a model needs where it is not there whole, and asks for nothing else: the configuration, the graph,
 * and the files that the graph keeps weights in, which only the graph itself names.
 * @throws SessError `DOWNLOAD_FAILED`, `OUTPUT_UNWRITABLE`, `ABORTED`, `OPTION_INVALID` for `HF_ENDPOINT` and
 * `HF_TOKEN`, `MODEL_UNREADABLE` for a graph that is none or names files outside its folder, `MODEL_UNSUPPORTED` for
 * one that names too many
 */
export async function fetchHubModel(model: HubModel, options: FetchOptions = {}): Promise<void> {
  const { force = false, signal, onProgress } = options
  if (!force && (await isHubModelCached(model))) return
  const progress = new JoinedProgress(onProgress)
  const get = async (file: string, limit: number, report?: FetchOptions['onProgress']) =>
    await fetchFile(model, file, { limit, force, signal, onProgress: report })
  await get(configFile, MAX_MANIFEST_BYTES)
  await get(preprocessorFile, MAX_MANIFEST_BYTES).catch((error) => {
    // Without it mean and std are inferred, as for any model that nothing is stated about.
    const cause = error instanceof SessError ? error.cause : undefined
    if (!(cause instanceof Answered) || cause.status !== 404) throw error
  })
  await get(model.file, MAX_MODEL_BYTES, progress.next(0))
  const data = await dataFiles(model)
  progress.expect(data.reduce((sum, { bytes }) => sum + bytes, 0))
  // A new graph never reads old weights: should this break off, what is missing tells that the model is not whole.
  if (force) for (const { file } of data) await rm(join(model.folder, file), { force: true })
  for (const { file, bytes } of data) await get(file, MAX_DATA_BYTES, progress.next(bytes))
}

async function fetchFile(
  { name, repository, revision, folder }: HubModel,
  file: string,
  options: FetchOptions & Pick<Download, 'limit'>,
): Promise<void> {
  const { force = false, limit, signal, onProgress } = options
  const path = join(folder, file)
  if (!force && (await isFile(path))) return
  const address = [repository, 'resolve', ...[revision, ...file.split('/')].map(encodeURIComponent)]
  await download({
    name: `${name} (${file})`,
    url: `${endpoint()}/${address.join('/')}`,
    path,
    limit,
    authorization: authorization(),
    start: force ? 'afresh' : 'resume',
    signal,
    onProgress,
  })
}

/** Files of the repository that the graph keeps weights in, and how far it reads into each. */
async function dataFiles({ name, file, path }: HubModel): Promise<readonly { file: string; bytes: number }[]> {
  const named = await externalFiles(path)
  if (named.length > MOST_DATA_FILES) {
    const what = `${name} keeps its weights in ${named.length} files; at most ${MOST_DATA_FILES} are fetched`
    throw new SessError('MODEL_UNSUPPORTED', `${what}. Save the model with its weights in one file.`)
  }
  return named
    .map(({ location, bytes }) => ({ file: posix.join(posix.dirname(file), location), bytes }))
    .filter((data) => data.file !== file)
}

/** Several files as one: `done` never falls, and `total` grows when a graph has told what else there is. */
class JoinedProgress {
  readonly #report: FetchOptions['onProgress']
  #before = 0
  #current = 0
  #ahead = 0

  constructor(report: FetchOptions['onProgress']) {
    this.#report = report
  }

  expect(bytes: number): void {
    this.#ahead += bytes
  }

  /** For the file that comes next, of which `expected` bytes were. */
  next(expected: number): (progress: DownloadProgress) => void {
    this.#before += this.#current
    this.#current = 0
    this.#ahead -= expected
    return ({ done, total }) => {
      this.#current = total
      this.#report?.({ done: this.#before + done, total: this.#before + total + this.#ahead })
    }
  }
}

function endpoint(): string {
  const given = process.env.HF_ENDPOINT || 'https://huggingface.co'
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw invalidOption('HF_ENDPOINT', given, 'an http or https address')
  }
  return given.replace(/[?#].*$/, '').replace(/\/+$/, '')
}

function authorization(): string | undefined {
  const token = process.env.HF_TOKEN?.trim()
  if (!token) return undefined
  // Not shown: what is in the wrong place may still be a secret.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new SessError('OPTION_INVALID', 'HF_TOKEN is no token; expected one word of ASCII letters, digits and signs.')
  }
  return `Bearer ${token}`
}
