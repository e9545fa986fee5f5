import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import canonicalize from 'canonicalize'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { encodedBytes, imageName } from '../io/decode.ts'
import type { ImageSource, Photo } from '../io/photo.ts'
import type { FoundModel } from '../load.ts'
import { sha256OfBytes } from '../models/checksum.ts'
import type { Manifest } from '../models/manifest.ts'
import type { ResolvedModel } from '../models/model-file.ts'
import { modelReference, resolveModel } from '../models/resolve.ts'
import type { VerifyOptions } from '../options.ts'
import { type Check, changed, missing, noted, same } from './check.ts'
import { bytesFacts, modelFiles, opaquePhoto, statedFacts } from './facts.ts'
import type { Bundle } from './form.ts'
import { hashes, type OpenedBundle, short } from './read.ts'

// What a bundle was made from, found and compared with what it says.

interface CheckedPhoto {
  readonly checks: readonly Check[]
  /** As it is now; undefined where it cannot be had. */
  readonly photo: Photo | undefined
}

/** The photo that the options name, else the one at the recorded path. */
export async function checkPhoto({ folder, bundle }: OpenedBundle, options: VerifyOptions): Promise<CheckedPhoto> {
  const { signal, maxPixels } = options
  const recorded = bundle.photo
  const source = options.image ?? (recorded.path === undefined ? undefined : resolve(folder, recorded.path))
  if (source === undefined) {
    const why = 'was not explained from a file: name it with --image (image in the library)'
    return { checks: [missing('photo', why)], photo: undefined }
  }
  const checks: Check[] = []
  let image: ImageSource = source
  try {
    const bytes = await encodedBytes(source, signal)
    if (bytes !== undefined) {
      image = bytes
      checks.push(await bytesCheck(recorded, imageName(source), bytes, signal))
    }
  } catch (error) {
    const why = failure(error, signal)
    return { checks: [missing('photo', `${why} Or name it with --image.`)], photo: undefined }
  }
  try {
    const photo = await opaquePhoto(image, { maxPixels, signal })
    return { checks: [...checks, await pixelsCheck(recorded, photo, signal)], photo }
  } catch (error) {
    return { checks: [...checks, missing('pixels', failure(error, signal))], photo: undefined }
  }
}

async function bytesCheck(
  recorded: Bundle['photo'],
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Check> {
  if (recorded.sha256 === undefined) return noted('photo', 'was given as pixels, so that only these are compared')
  const found = await bytesFacts(bytes, signal)
  if (found.sha256 === recorded.sha256) return same('photo', `${name}, SHA-256 ${short(found.sha256)}`)
  return changed('photo', `${name} has ${hashes(recorded.sha256, found.sha256)}${sizes(recorded.bytes, found.bytes)}`)
}

async function pixelsCheck(recorded: Bundle['photo'], photo: Photo, signal: AbortSignal | undefined): Promise<Check> {
  const size = `${photo.width} x ${photo.height}`
  if (photo.width !== recorded.width || photo.height !== recorded.height) {
    return changed('pixels', `are ${size} instead of ${recorded.width} x ${recorded.height}`)
  }
  const found = await sha256OfBytes([photo.data], signal)
  return found === recorded.pixels ? same('pixels', size) : changed('pixels', hashes(recorded.pixels, found))
}

interface CheckedModel {
  readonly checks: readonly Check[]
  /** The model that is here, fed and read as the bundle says; undefined where there is none. */
  readonly model: FoundModel | undefined
}

/** The model that the options name, else the recorded one. Nothing is downloaded. */
export async function checkModel({ folder, bundle }: OpenedBundle, options: VerifyOptions): Promise<CheckedModel> {
  const { signal } = options
  const { id, path } = bundle.model
  const name = options.model ?? (path === undefined ? id : resolve(folder, path))
  let resolved: ResolvedModel
  try {
    resolved = await resolveModel(name, { signal, absent: 'refuse', checksum: 'leave' })
  } catch (error) {
    const why = failure(error, signal)
    const isMissing = error instanceof SessError && error.code === 'MODEL_NOT_FOUND'
    const check = isMissing ? missing('model', await absence(bundle, options, name, why)) : changed('model', why)
    return { checks: [check], model: undefined }
  }
  try {
    const checks = [...(await fileChecks(bundle.model, resolved.path, signal)), ...statedChecks(bundle.model, resolved)]
    const model = { resolved: asRecorded(bundle.model, resolved), reference: await modelReference(name) }
    return { checks, model }
  } catch (error) {
    return { checks: [changed('model', failure(error, signal))], model: undefined }
  }
}

/** What the model is not, and what to do: whoever verifies did not choose the name that the bundle has. */
async function absence({ model }: Bundle, options: VerifyOptions, name: string | URL, why: string): Promise<string> {
  if (options.model !== undefined) return why
  const where = 'name the model with --model (model in the library)'
  if (model.path === undefined) return `${why} Or ${where}.`
  const isThere = await access(name).then(
    () => true,
    () => false,
  )
  return isThere ? `${why} Or ${where}.` : `${name} is not there. Put ${model.file.name} back, or ${where}.`
}

async function fileChecks(
  recorded: Bundle['model'],
  path: string,
  signal: AbortSignal | undefined,
): Promise<readonly Check[]> {
  const { file, external } = await modelFiles(path, signal)
  const others = external.map((found) => {
    const before = recorded.external.find(({ name }) => name === found.name)
    return before === undefined
      ? changed(`model ${found.name}`, 'holds weights, and did not before')
      : fileCheck(`model ${found.name}`, before, found)
  })
  const gone = recorded.external.filter(({ name }) => !external.some((found) => found.name === name))
  return [
    fileCheck('model', recorded.file, file),
    ...others,
    ...gone.map(({ name }) => missing(`model ${name}`, 'held weights, and no longer does')),
  ]
}

function fileCheck(name: string, recorded: Bundle['model']['file'], found: Bundle['model']['file']): Check {
  if (found.sha256 === recorded.sha256) return same(name, `${found.name}, SHA-256 ${short(found.sha256)}`)
  const how = hashes(recorded.sha256, found.sha256) + sizes(recorded.bytes, found.bytes)
  return changed(name, `${found.name} has ${how}`)
}

/** The bundle's own word counts for the map; another manifest is told all the same. */
function statedChecks({ stated }: Bundle['model'], resolved: ResolvedModel): readonly Check[] {
  const found = statedFacts(resolved)
  if (stated === undefined && found === undefined) return []
  if (stated === undefined) return [noted('manifest', 'is here and was not: the bundle goes before it')]
  if (found === undefined) return [noted('manifest', 'is not here: the bundle says what it stated')]
  const keys = ['input', 'preprocess', 'logits', 'layer', 'activation', 'labels'] as const
  const differing = keys.filter((key) => canonical(stated[key]) !== canonical(found[key]))
  if (differing.length === 0) return [same('manifest', 'states the same')]
  return differing.map((key) => {
    const what =
      key === 'labels' ? 'names other labels' : `states ${shown(found[key])}, and stated ${shown(stated[key])}`
    return changed(`manifest.${key}`, what)
  })
}

/** The model of a file as the bundle says that it was fed and read, whatever its manifest says now. */
function asRecorded(recorded: Bundle['model'], { path }: ResolvedModel): ResolvedModel {
  const { id, file, input, preprocess, logits, activation } = recorded
  const manifest: Manifest = { schema: 1, id, file: file.name, input, preprocess, logits, activation }
  return { id, path, manifest, labels: undefined }
}

function canonical(value: unknown): string {
  return canonicalize(value) ?? ''
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function sizes(recorded: number | undefined, found: number): string {
  return recorded === undefined || recorded === found ? '' : `, ${found} bytes instead of ${recorded}`
}

/** The sentence of an error about an input; an abort, or a fault of ours, is thrown on. */
function failure(error: unknown, signal: AbortSignal | undefined): string {
  throwIfAborted(signal)
  if (error instanceof SessError) return error.message
  throw error
}
