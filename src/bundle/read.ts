import { lstat, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { throwIfAborted } from '../io/abort.ts'
import { decodeNpy, npyBytes, type Plane } from '../io/npy.ts'
import { sha256OfBytes } from '../models/checksum.ts'
import { type Check, changed, missing, same } from './check.ts'
import { type Bundle, bundleFile, MAX_BUNDLE_BYTES, parseBundle, unreadable } from './form.ts'
import { brokenSeals } from './seals.ts'

/** A bundle's description, and the folder that its paths start from. */
export interface OpenedBundle {
  readonly folder: string
  readonly bundle: Bundle
}

/** @throws SessError `BUNDLE_UNREADABLE`, `ABORTED` */
export async function openBundle(path: string, signal: AbortSignal | undefined): Promise<OpenedBundle> {
  throwIfAborted(signal)
  const folder = await realpath(path).catch((cause) => {
    throw unreadable(path, 'does not exist', cause)
  })
  const isFolder = await stat(folder).then(
    (info) => info.isDirectory(),
    () => false,
  )
  if (!isFolder && basename(folder) === bundleFile) {
    const advice = `Name the folder that it is in, ${dirname(path)}`
    throw unreadable(path, 'is the description of a bundle, and the bundle is the whole folder', undefined, advice)
  }
  if (!isFolder) throw unreadable(path, 'is a file, and a bundle is a folder')
  const file = join(folder, bundleFile)
  const info = await lstat(file).catch((cause) => {
    throw unreadable(path, `holds no ${bundleFile}`, cause)
  })
  if (!info.isFile()) throw unreadable(path, `holds a ${bundleFile} that is no regular file`)
  if (info.size > MAX_BUNDLE_BYTES) throw unreadable(path, `${bundleFile} has ${info.size} bytes, too many for one`)
  const json = await readFile(file, { encoding: 'utf8', signal }).catch((cause) => {
    throwIfAborted(signal)
    throw unreadable(path, `${bundleFile} cannot be read (${cause.message})`, cause)
  })
  return { folder, bundle: parseBundle(json, path) }
}

/** Each field that was edited since the bundle was written, by name. */
export function sealChecks({ seals, ...content }: Bundle): readonly Check[] {
  const broken = brokenSeals(content, seals).map(({ field, what }) => changed(field, what))
  return broken.length > 0 ? broken : [same('seals', `${Object.keys(seals).length} fields as they were sealed`)]
}

/** A file of numbers in the bundle, where it can be read, and whether it is the one that was sealed. */
export interface ReadPlane {
  readonly check: Check
  readonly plane: Plane | undefined
}

/** What a bundle says of a file of numbers. */
interface SealedPlane {
  readonly file: string
  readonly height: number
  readonly width: number
  readonly sha256: string
}

/** How many samples are read at most, and the option that says so. */
interface ReadLimit {
  readonly samples: number
  readonly option: string
}

/** A file is not looked at where the bundle says that it is larger than the limit, or where it is larger than said. */
export async function readPlane(
  folder: string,
  sealed: SealedPlane,
  limit: ReadLimit,
  signal: AbortSignal | undefined,
): Promise<ReadPlane> {
  const { file, height, width, sha256 } = sealed
  if (height * width > limit.samples) {
    const why = `${height} x ${width} samples are not read: more than ${limit.option} allows`
    return { check: missing(file, why), plane: undefined }
  }
  const path = join(folder, file) // a link is no part of the bundle
  const info = await lstat(path).catch(() => undefined)
  if (info === undefined) return { check: missing(file, 'is not in the bundle'), plane: undefined }
  const broken = (why: string): ReadPlane => ({ check: changed(file, why), plane: undefined })
  if (!info.isFile()) return broken('is no regular file')
  if (info.size > npyBytes(sealed)) return broken(`has ${info.size} bytes, too many for ${height} x ${width} samples`)
  try {
    const bytes = await readFile(path, { signal })
    const plane = decodeNpy(bytes)
    if (plane.height !== height || plane.width !== width) {
      return broken(`holds ${plane.height} x ${plane.width} samples instead of ${height} x ${width}`)
    }
    const found = await sha256OfBytes([bytes], signal)
    const check = found === sha256 ? same(file, `SHA-256 ${short(sha256)}`) : changed(file, hashes(sha256, found))
    return { check, plane }
  } catch (cause) {
    throwIfAborted(signal)
    return broken(cause instanceof Error ? cause.message : String(cause))
  }
}

/** The start of a hash, as people compare it. */
export function short(sha256: string): string {
  return sha256.slice(0, 12)
}

export function hashes(recorded: string, found: string): string {
  return `SHA-256 ${short(found)} instead of ${short(recorded)}`
}
