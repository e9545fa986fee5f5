import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import envPaths from 'env-paths'
import { isFile } from '../io/is-file.ts'
import { type DownloadProgress, download } from './download.ts'
import { MAX_MODEL_BYTES, type Manifest } from './manifest.ts'

/** A manifest whose file is to be had from an address. */
type RemoteManifest = Manifest & { readonly url: string }

export function isRemote(manifest: Manifest): manifest is RemoteManifest {
  return manifest.url !== undefined
}

/** `SESS_CACHE`, or the user's cache folder as the system has it. */
export function cacheFolder(): string {
  return resolve(process.env.SESS_CACHE || envPaths('sess-saliency', { suffix: '' }).cache)
}

/**
 * Where the model of a manifest is kept. What it must be stands in the path: a manifest that changes asks for another
 * file, and two manifests of one id do not meet.
 */
export function cachedPath({ id, sha256, url }: RemoteManifest): string {
  const key = sha256?.toLowerCase() ?? createHash('sha256').update(url).digest('hex')
  return join(cacheFolder(), 'models', id, key.slice(0, 16), `${id}.onnx`)
}

export async function isCached(manifest: RemoteManifest): Promise<boolean> {
  return await isFile(cachedPath(manifest))
}

export interface FetchOptions {
  /** Downloads again what is there already; until it is whole and checked, the old file stays. */
  readonly force?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/** Path of the model in the cache, downloaded where it is not there: the network is asked for nothing else. */
export async function fetchModel(manifest: RemoteManifest, options: FetchOptions = {}): Promise<string> {
  const { force = false, signal, onProgress } = options
  const path = cachedPath(manifest)
  if (!force && (await isCached(manifest))) return path
  const { id, url, bytes, sha256 } = manifest
  const start = force ? 'afresh' : 'resume'
  await download({ name: id, url, path, bytes, sha256, limit: MAX_MODEL_BYTES, start, signal, onProgress })
  return path
}
