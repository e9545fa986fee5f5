import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidOption, SessError } from '../error.ts'
import { cacheFolder, type FetchOptions } from './cache.ts'
import { Answered, type Download, download } from './download.ts'
import { MAX_MANIFEST_BYTES, MAX_MODEL_BYTES } from './manifest.ts'
import { configFile, modelFile, preprocessorFile } from './transformers.ts'

/** A model of a hub: `hf:ORG/NAME[@REVISION]`. */
export interface HubModel {
  /** As it was written. */
  readonly name: string
  readonly repository: string
  readonly revision: string
  /** Its folder in the cache, by name and revision, whatever the endpoint. */
  readonly folder: string
  readonly path: string
}

/** @throws SessError `MODEL_NOT_FOUND` for what is no such name */
export function hubModel(name: string): HubModel {
  const match = /^hf:([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([\w][\w./-]{0,127}))?$/.exec(name)
  const [, repository, revision = 'main'] = match ?? []
  if (repository === undefined) {
    throw new SessError(
      'MODEL_NOT_FOUND',
      `${name} names no model of a hub; expected hf:ORG/NAME or hf:ORG/NAME@REVISION.`,
    )
  }
  const folder = join(cacheFolder(), 'hub', `${repository}@${encodeURIComponent(revision)}`)
  return { name, repository, revision, folder, path: join(folder, modelFile) }
}

/** The model comes last: where it is, the rest is too, or was not there to be had. */
export async function isHubModelCached({ path }: HubModel): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}

/**
 * Downloads what a model needs where it is not there whole, and asks for nothing else.
 * @throws SessError `DOWNLOAD_FAILED`, `OUTPUT_UNWRITABLE`, `ABORTED`, `OPTION_INVALID` for `HF_ENDPOINT`
 */
export async function fetchHubModel(model: HubModel, options: FetchOptions = {}): Promise<void> {
  const { force = false, signal, onProgress } = options
  if (!force && (await isHubModelCached(model))) return
  const start = force ? 'afresh' : 'resume'
  const get = async (file: string, more: Pick<Download, 'limit' | 'onProgress'>) =>
    await download({
      name: `${model.name} (${file})`,
      url: `${endpoint()}/${model.repository}/resolve/${encodeURIComponent(model.revision)}/${file}`,
      path: join(model.folder, file),
      authorization: authorization(),
      start,
      signal,
      ...more,
    })
  await get(configFile, { limit: MAX_MANIFEST_BYTES })
  await get(preprocessorFile, { limit: MAX_MANIFEST_BYTES }).catch((error) => {
    // Without it mean and std are inferred, as for any model that nothing is stated about.
    const cause = error instanceof SessError ? error.cause : undefined
    if (!(cause instanceof Answered) || cause.status !== 404) throw error
  })
  await get(modelFile, { limit: MAX_MODEL_BYTES, onProgress })
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
  return token ? `Bearer ${token}` : undefined
}
