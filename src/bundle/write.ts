import { realpath, writeFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { SessError } from '../error.ts'
import type { Explanation } from '../explanation.ts'
import { checkFolderWritable, type OwnedFolder, writeFolderAtomically } from '../io/atomic.ts'
import { encodedBytes } from '../io/decode.ts'
import { fileState } from '../io/file-state.ts'
import { encodeFile } from '../io/json.ts'
import { encodeNpy, type Plane } from '../io/npy.ts'
import type { Photo, PhotoProvenance } from '../io/photo.ts'
import { sha256OfBytes } from '../models/checksum.ts'
import type { ModelProvenance, Provenance } from '../provenance.ts'
import { peakOf } from '../render/overlay.ts'
import { versions } from '../versions.ts'
import { bytesFacts, labelsSeal, modelFiles, opaquePhoto, planFacts, statedFacts } from './facts.ts'
import { type BundleContent, bundleFile, MAX_BUNDLE_BYTES, mapFile, windowsFile } from './form.ts'
import { sealsOf } from './seals.ts'

/** What a bundle is made of. */
interface Bundled {
  readonly explanation: Explanation
  /** As it was explained. */
  readonly photo: Photo
  readonly provenance: Provenance
}

const owned: OwnedFolder = {
  what: 'bundle',
  mark: bundleFile,
  names: new Set([bundleFile, mapFile, windowsFile]),
}

/** Refuses early what `writeBundle` would run into. */
export async function checkBundleWritable(path: string): Promise<void> {
  await checkFolderWritable(path, owned)
}

/**
 * Writes an explanation as a bundle. Photo and model are hashed only now, so that explaining takes no longer, and both
 * are compared with what was explained.
 */
export async function writeBundle(path: string, bundled: Bundled, signal?: AbortSignal): Promise<void> {
  await checkBundleWritable(path)
  const { explanation, photo, provenance } = bundled
  const { map, target, options, plan, nonfinite } = explanation
  const place = await placeOf(path)
  const mapParts = encodeNpy(map)
  const windowParts = encodeNpy(windowPlane(explanation))
  const { device, precision } = provenance.model
  const content: BundleContent = {
    schema: 1,
    photo: await photoFacts(photo, provenance.photo, place, signal),
    model: await modelFacts(provenance.model, place, signal),
    target: {
      index: target.index,
      label: target.label?.toWellFormed(),
      logit: finite(target.logit),
      probability: finite(target.probability),
    },
    options: { ...options },
    device: {
      ...(device.type === 'cpu' ? { threads: device.threads, simd: device.simd } : {}),
      type: device.type,
      precision,
    },
    plan: planFacts(plan),
    nonfinite: [...nonfinite],
    map: {
      file: mapFile,
      height: map.height,
      width: map.width,
      maximum: await peakOf(map.data),
      sha256: await sha256OfBytes(mapParts, signal),
    },
    windows: { file: windowsFile, count: plan.windows.length, sha256: await sha256OfBytes(windowParts, signal) },
    versions: { ...(await versions()), platform: `${process.platform}-${process.arch}` },
  }
  const description = encodeFile({ ...content, seals: sealsOf(content) })
  refuseTooLong(path, Buffer.byteLength(description))
  const fill = async (folder: string) => {
    await writeFile(join(folder, mapFile), mapParts, { signal })
    await writeFile(join(folder, windowsFile), windowParts, { signal })
    await writeFile(join(folder, bundleFile), description, { signal })
  }
  await writeFolderAtomically(path, fill, { owns: owned, signal })
}

/** What `verify` would not read. Only windows that are not finite, or weights in very many files, come to so much. */
function refuseTooLong(path: string, bytes: number): void {
  if (bytes <= MAX_BUNDLE_BYTES) return
  const why = `would have a ${bundleFile} of ${bytes} bytes, and verify reads at most ${MAX_BUNDLE_BYTES}`
  throw new SessError('OUTPUT_UNWRITABLE', `${path} ${why}. Take fewer windows: fewer scales, or a larger step.`)
}

/** JSON has no other numbers. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** Of each window in the plan's order: its probability and its weight. */
function windowPlane({ windows }: Explanation): Plane {
  const data = new Float32Array(2 * windows.length)
  for (const { index, probability, weight } of windows) {
    data[2 * index] = probability
    data[2 * index + 1] = weight
  }
  return { data, height: windows.length, width: 2 }
}

/** The folder that the bundle will be, links followed. */
async function placeOf(path: string): Promise<string> {
  const full = resolve(path)
  return await realpath(full).catch(async () => join(await realpath(dirname(full)), basename(full)))
}

/** Written with `/`; undefined where no relative way leads there (another drive). */
async function pathFrom(bundle: string, path: string): Promise<string | undefined> {
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  const way = relative(bundle, join(folder, basename(path)))
  return isAbsolute(way) ? undefined : way.split(sep).join('/')
}

async function photoFacts(
  photo: Photo,
  provenance: PhotoProvenance,
  bundle: string,
  signal: AbortSignal | undefined,
): Promise<BundleContent['photo']> {
  const { height, width } = photo
  const seen = { height, width, pixels: await sha256OfBytes([photo.data], signal) }
  if (provenance.kind === 'pixels') return seen
  const source = provenance.kind === 'file' ? provenance.path : provenance.bytes
  const bytes = await encodedBytes(source, signal)
  if (bytes === undefined) return seen
  const now = await opaquePhoto(bytes, { maxPixels: height * width, signal }).catch((cause) => {
    if (cause instanceof SessError && cause.code === 'ABORTED') throw cause
    throw hasChanged(provenance.kind === 'file' ? provenance.path : 'The image', 'explained', cause)
  })
  if ((await sha256OfBytes([now.data], signal)) !== seen.pixels) {
    throw hasChanged(provenance.kind === 'file' ? provenance.path : 'The image', 'explained')
  }
  const facts = await bytesFacts(bytes, signal)
  if (provenance.kind === 'bytes') return { ...facts, ...seen }
  return { name: basename(provenance.path), path: await pathFrom(bundle, provenance.path), ...facts, ...seen }
}

async function modelFacts(
  provenance: ModelProvenance,
  bundle: string,
  signal: AbortSignal | undefined,
): Promise<BundleContent['model']> {
  const { reference, resolved, pixels, input, classes, activation, tokens, labels } = provenance
  const { file, external } = await modelFiles(resolved.path, signal)
  await refuseChangedModel(provenance)
  const { mean, std, scale, channels } = pixels
  return {
    ...(reference.kind === 'id'
      ? { id: reference.id }
      : { id: resolved.id, path: await pathFrom(bundle, reference.path) }),
    file,
    external,
    stated: statedFacts(resolved),
    input: { ...input, channels },
    preprocess: { mean: [...mean], std: [...std], scale },
    logits: resolved.manifest?.logits,
    classes,
    activation,
    tokens: tokens && [tokens[0], tokens[1]],
    labels: labelsSeal(labels),
  }
}

/** Looked at once the files are hashed: what is written to them meanwhile would be noticed, too. */
async function refuseChangedModel({ files }: ModelProvenance): Promise<void> {
  for (const { path, bytes, modified } of files) {
    const now = await fileState(path).catch(() => undefined)
    if (now?.bytes !== bytes || now.modified !== modified) throw hasChanged(path, 'loaded')
  }
}

function hasChanged(what: string, since: string, cause?: unknown): SessError {
  return new SessError(
    'CHECKSUM_MISMATCH',
    `${what} has changed since it was ${since}, and a bundle must name what was explained. Explain it again.`,
    { cause },
  )
}
