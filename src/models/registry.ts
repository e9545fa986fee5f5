import { stat } from 'node:fs/promises'
import { type FetchOptions, fetchModel, isRemote } from './cache.ts'
import type { DownloadProgress } from './download.ts'
import { fetchHubModel, hubModel, isHubModelCached, isHubName } from './hub.ts'
import type { ModelAnalysis, ModelOptions } from './info.ts'
import { registryIds, registryManifest } from './known-models.ts'
import { checkLabels, givenLabels } from './labels.ts'
import type { Manifest } from './manifest.ts'
import { notHere, placeOf, resolveModel } from './resolve.ts'

/** A model that is known by its id. */
export interface ModelEntry {
  readonly id: string
  readonly title: string | undefined
  /** `package`: comes with it; `cached`: downloaded; `remote`: would be downloaded when it is asked for. */
  readonly state: 'package' | 'cached' | 'remote'
  /** Where the `.onnx` file is, or will be. */
  readonly path: string
  readonly bytes: number | undefined
  readonly sha256: string | undefined
  readonly url: string | undefined
  readonly input: Manifest['input']
  readonly licence: string | undefined
  readonly source: string | undefined
}

/** Everything known of a model: what its manifest states and, where the file is here, what its graph shows. */
export interface ModelInfo {
  readonly id: string
  readonly title: string | undefined
  readonly state: ModelEntry['state'] | 'file'
  /** The manifest file, where there is one. */
  readonly manifest: string | undefined
  readonly url: string | undefined
  readonly licence: string | undefined
  readonly source: string | undefined
  readonly labels: number | undefined
  /** Undefined for a model that is not downloaded. */
  readonly analysis: ModelAnalysis | undefined
}

export interface RegistryOptions {
  /** Folder of manifests to look in; the package's own unless given. */
  readonly registry?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options that `Explainer.load` takes too, with the same meaning: they win over what manifest and graph say. */
export interface InfoOptions extends RegistryOptions, ModelOptions {}

export interface PullOptions extends RegistryOptions {
  /** Downloads again what is there already. */
  readonly force?: boolean | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/** The models that are known by their ids. Only `pull` asks the network (and `Explainer.load` of one not here). */
export const models = {
  async list(options: RegistryOptions = {}): Promise<readonly ModelEntry[]> {
    return await Promise.all((await registryIds(options.registry)).map((id) => entry(id, options)))
  },

  /**
   * Downloads a model (an id, or `hf:ORG/NAME[@REVISION][:VARIANT]`) into the cache where it is not there, and checks what is.
   * @throws SessError `MODEL_NOT_FOUND`, `DOWNLOAD_FAILED`, `CHECKSUM_MISMATCH`, `OUTPUT_UNWRITABLE`, `ABORTED`
   */
  async pull(id: string, options: PullOptions = {}): Promise<ModelEntry> {
    const { force, signal, onProgress, registry } = options
    if (isHubName(id)) {
      await fetchHubModel(hubModel(id), options)
      await resolveModel(id, { signal, absent: 'refuse' })
      return await hubEntry(id)
    }
    const { manifest, path } = await registryManifest(id, { signal, registry })
    const { state } = await placeOf(manifest, path)
    const fetching: FetchOptions = { force, signal, onProgress }
    if (state !== 'local' && isRemote(manifest)) await fetchModel(manifest, fetching)
    await resolveModel(id, { signal, registry, absent: 'refuse' })
    return await entry(id, { signal, registry })
  },

  /** Path of the `.onnx` file of a model that is here. @throws SessError `MODEL_NOT_FOUND` where it is not */
  async path(id: string, options: RegistryOptions = {}): Promise<string> {
    const { state, path } = await (isHubName(id) ? hubEntry(id) : entry(id, options))
    if (state === 'remote') throw notHere(id)
    return path
  },

  /**
   * Explains a model: an id, the path of any `.onnx` file, a folder, or `hf:ORG/NAME` that was pulled. Nothing is
   * downloaded for it.
   * @throws SessError `MODEL_NOT_FOUND`, `MODEL_UNREADABLE`, `CHECKSUM_MISMATCH`, `LAYER_NOT_FOUND`, `OPTION_INVALID`
   */
  async info(model: string | URL, options: InfoOptions = {}): Promise<ModelInfo> {
    const { registry, signal, ...overrides } = options
    const where = { registry, signal }
    const known = typeof model === 'string' && (await registryIds(registry)).includes(model)
    if (known) {
      const { manifest, path } = await registryManifest(model, where)
      const { state } = await entry(model, where)
      if (state === 'remote') return { ...stated(manifest, path), state, labels: undefined, analysis: undefined }
    }
    const resolved = await resolveModel(model, { ...where, absent: 'refuse' })
    const { analyse } = await import('./info.ts')
    const analysis = await analyse(resolved, overrides, signal)
    const { manifest, manifestPath, id } = resolved
    const labels = overrides.labels === undefined ? resolved.labels : await givenLabels(overrides.labels, signal)
    if (overrides.labels !== undefined && analysis.classes !== undefined) checkLabels(labels, analysis.classes)
    return {
      ...stated(manifest, manifestPath),
      id,
      state: known ? (await entry(model, where)).state : isHubName(model) ? 'cached' : 'file',
      labels: labels?.length,
      analysis,
    }
  },
} as const

async function hubEntry(name: string): Promise<ModelEntry> {
  const model = hubModel(name)
  const cached = await isHubModelCached(model)
  const bytes = cached ? (await stat(model.path)).size : undefined
  const unknown = { title: undefined, sha256: undefined, url: undefined, input: undefined, licence: undefined }
  return { id: name, ...unknown, state: cached ? 'cached' : 'remote', path: model.path, bytes, source: undefined }
}

async function entry(id: string, options: RegistryOptions): Promise<ModelEntry> {
  const { manifest, path: manifestPath } = await registryManifest(id, options)
  const { path, state } = await placeOf(manifest, manifestPath)
  const { title, bytes, sha256, url, input, licence, source } = manifest
  return { id, title, state: state === 'local' ? 'package' : state, path, bytes, sha256, url, input, licence, source }
}

function stated(manifest: Manifest | undefined, manifestPath: string | undefined) {
  const { id = '', title, url, licence, source } = manifest ?? {}
  return { id, title, manifest: manifestPath, url, licence, source }
}
