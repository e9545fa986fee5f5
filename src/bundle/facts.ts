import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import canonicalize from 'canonicalize'
import { Call } from '../call.ts'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { decode } from '../io/decode.ts'
import type { ImageSource, Photo } from '../io/photo.ts'
import { sha256Of, sha256OfBytes } from '../models/checksum.ts'
import type { ResolvedModel } from '../models/model-file.ts'
import { Device } from '../native.ts'
import { externalFiles } from '../onnx/proto.ts'
import { defaultThreads } from '../options.ts'
import type { EstimatedPlan } from '../sess/plan.ts'
import type { BundleContent, StatedFacts } from './form.ts'

// What bundles record of photo, model and plan: taken when one is written, and again when it is verified.

interface PhotoLimits {
  readonly maxPixels?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The pixels that `explain` sees: upright sRGB, alpha on white. */
export async function opaquePhoto(source: ImageSource, limits: PhotoLimits): Promise<Photo> {
  const decoded = await decode(source, limits)
  if (decoded.channels === 3) return decoded
  const device = new Device({ type: 'cpu', threads: defaultThreads() })
  try {
    using call = new Call(device, limits.signal)
    using pixels = await call.pixels(decoded)
    return pixels.photo
  } finally {
    device.dispose()
  }
}

async function fileFacts(path: string, name: string, signal: AbortSignal | undefined) {
  const { size } = await stat(path)
  return { name, bytes: size, sha256: await sha256Of(path, signal) }
}

export async function bytesFacts(bytes: Uint8Array, signal: AbortSignal | undefined) {
  return { bytes: bytes.length, sha256: await sha256OfBytes([bytes], signal) }
}

/**
 * A model's file, and the others that it keeps weights in.
 * @throws SessError `MODEL_NOT_FOUND`, `MODEL_UNREADABLE`, `ABORTED`
 */
export async function modelFiles(path: string, signal: AbortSignal | undefined) {
  const folder = dirname(path)
  const external: BundleContent['model']['external'] = []
  for (const { location } of await externalFiles(path)) {
    const facts = await fileFacts(join(folder, location), location, signal).catch((cause) => {
      throwIfAborted(signal)
      const why = `${path} keeps weights in "${location}", which cannot be read; put it beside the model.`
      throw new SessError('MODEL_UNREADABLE', why, { cause })
    })
    external.push(facts)
  }
  return { file: await fileFacts(path, basename(path), signal), external }
}

/** What a model's manifest states of how it is fed and read; undefined where there is none. */
export function statedFacts({ manifest, labels }: ResolvedModel): StatedFacts | undefined {
  if (manifest === undefined) return undefined
  const { input, preprocess, logits, layer, activation } = manifest
  return { input, preprocess, logits, layer, activation, labels: labelsSeal(labels) }
}

export function labelsSeal(labels: readonly string[] | undefined): string | undefined {
  if (labels === undefined) return undefined
  const whole = labels.map((label) => label.toWellFormed())
  return createHash('sha256')
    .update(canonicalize(whole) ?? '')
    .digest('hex')
}

/** A plan without its list of windows, which follows from the rest. */
export function planFacts(plan: EstimatedPlan): BundleContent['plan'] {
  const { image, window, sess, antialias, scales, step, levels, windows, baseWindow, forwards, batch } = plan
  return {
    ...{ image, window, sess, antialias },
    scales: [...scales],
    step: [step[0], step[1]],
    levels: [...levels],
    windows: windows.length,
    ...{ baseWindow, forwards, batch },
  }
}
