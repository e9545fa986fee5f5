import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { cachedPath, isRemote } from './cache.ts'
import { sha256Of } from './checksum.ts'
import { readLabels } from './labels.ts'
import { MAX_MODEL_BYTES, type Manifest } from './manifest.ts'
import type { NotApplied } from './transformers.ts'

/** A model's file, and what is stated of it. */
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

export interface ModelFileOptions {
  readonly signal?: AbortSignal | undefined
  /** `leave`: the caller compares the file itself with what it knows of it. */
  readonly checksum?: 'check' | 'leave' | undefined
}

/**
 * A model's file as its manifest states it.
 * @param folder of the manifest's relative names
 * @throws SessError `MODEL_NOT_FOUND`, `MODEL_UNREADABLE`, `MODEL_UNSUPPORTED`, `CHECKSUM_MISMATCH`, `ABORTED`
 */
export async function checkedModel(
  path: string,
  manifest: Manifest | undefined,
  folder: string,
  options: ModelFileOptions,
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
