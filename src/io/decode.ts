import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sharp, { type Metadata, type Sharp } from 'sharp'
import { invalidOption, SessError } from '../error.ts'
import { abortable, throwIfAborted } from './abort.ts'
import type { ImageSource, Photo, PhotoProvenance, RawImage } from './photo.ts'

/** 268 megapixels: a square of 16 thousand, about 800 MB once decoded. */
export const DEFAULT_MAX_PIXELS = 268_000_000

/** A small drawing can hold days of work; no honest one takes this long. */
const SVG_SECONDS = 10

interface DecodeOptions {
  /** Refused from the header, before any pixel is decoded. */
  readonly maxPixels?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Any image as 8-bit sRGB pixels: upright, ICC profile honoured, 16-bit, CMYK, grey and palette converted, first
 * frame. Alpha stays a fourth, unpremultiplied channel: libvips' own flatten truncates where we round, so
 * flattening is an op of the native core. Runs on worker threads; raw pixels are copied.
 */
export async function decode(source: ImageSource, options: DecodeOptions = {}): Promise<Photo> {
  const { maxPixels = DEFAULT_MAX_PIXELS, signal } = options
  if (!Number.isSafeInteger(maxPixels) || maxPixels < 1)
    throw invalidOption('maxPixels', maxPixels, 'an integer from 1')
  throwIfAborted(signal)
  if (isRaw(source)) return await decodeRaw(source, maxPixels, signal)
  const name = imageName(source)
  // Always from bytes: an SVG then has no folder to read references from, and what was checked is what is decoded.
  const bytes = source instanceof Uint8Array ? source : await readImage(source, name, signal)
  if (bytes.byteLength === 0) throw unreadable(name, 'is empty')
  const header = await abortable(readHeader(bytes, name), signal)
  checkPixels(name, header.width, header.height, maxPixels)
  try {
    const decoding = pixels(pipeline(bytes, header, maxPixels))
    return await abortable(header.format === 'svg' ? inTime(decoding, name) : decoding, signal)
  } catch (cause) {
    if (cause instanceof SessError) throw cause
    throw unreadable(name, `is damaged or incomplete (${reason(cause)})`, cause)
  }
}

/** Width and height once upright, from the header alone. */
export async function imageSize(
  source: ImageSource,
  options: DecodeOptions = {},
): Promise<{ width: number; height: number }> {
  const { maxPixels = DEFAULT_MAX_PIXELS, signal } = options
  throwIfAborted(signal)
  const name = imageName(source)
  if (isRaw(source)) return { width: source.width, height: source.height }
  const bytes = source instanceof Uint8Array ? source : await readImage(source, name, signal)
  if (bytes.byteLength === 0) throw unreadable(name, 'is empty')
  const { autoOrient } = await abortable(readHeader(bytes, name), signal)
  checkPixels(name, autoOrient.width, autoOrient.height, maxPixels)
  return { width: autoOrient.width, height: autoOrient.height }
}

/** How messages and reports call an image: the path as given, or what it is made of. */
export function imageName(source: ImageSource): string {
  if (typeof source === 'string') return source
  if (source instanceof URL) return isLocal(source) ? fileURLToPath(source) : source.href
  return source instanceof Uint8Array ? `image of ${source.byteLength} bytes` : 'raw image'
}

/** Where an image comes from, for whoever asks for its bytes later; a path comes absolute. */
export function photoProvenance(source: ImageSource): PhotoProvenance {
  if (source instanceof Uint8Array) return { kind: 'bytes', bytes: source }
  if (isRaw(source)) return { kind: 'pixels' }
  return { kind: 'file', path: resolve(imageName(source)) }
}

/** The encoded bytes of an image; undefined for raw pixels. @throws SessError `IMAGE_UNREADABLE` */
export async function encodedBytes(source: ImageSource, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  if (isRaw(source)) return undefined
  return source instanceof Uint8Array ? source : await readImage(source, imageName(source), signal)
}

function isLocal({ protocol, hostname }: URL): boolean {
  return protocol === 'file:' && hostname === ''
}

function isRaw(source: ImageSource): source is RawImage {
  return typeof source === 'object' && source !== null && !(source instanceof URL) && !(source instanceof Uint8Array)
}

async function readImage(source: string | URL, name: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw unreadable('The image', 'is neither a path, a file URL, encoded bytes nor raw pixels')
  }
  if (source === '') throw unreadable('The empty path', 'names no image', undefined, 'Pass the path of an image.')
  if (source instanceof URL && !isLocal(source)) {
    throw unreadable(name, 'is not a file: URL of this machine', undefined, 'Download it first, or pass its bytes.')
  }
  try {
    const file = await stat(source)
    if (file.isDirectory()) throw unreadable(name, 'is a folder', undefined, 'Name the images in it.')
    if (!file.isFile()) throw unreadable(name, 'is not a regular file', undefined, 'Save it to a file first.')
    return await readFile(source, { signal })
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof SessError) throw cause
    switch ((cause as NodeJS.ErrnoException).code) {
      case 'ENOENT':
      case 'ENOTDIR':
        if (/^(https?|data|blob):/i.test(name)) {
          throw unreadable(name, 'is an address, not a file', cause, 'Download it first, or pass its bytes.')
        }
        throw unreadable(name, 'does not exist', cause, 'Check the path.')
      case 'EACCES':
      case 'EPERM':
        throw unreadable(name, 'may not be read', cause, 'Check its permissions.')
      case 'ERR_FS_FILE_TOO_LARGE':
        throw new SessError('IMAGE_TOO_LARGE', `${name} has more than 2 GiB of data; the limit is 2 GiB.`, { cause })
      default:
        throw unreadable(name, `cannot be read (${reason(cause)})`, cause, 'Check the path.')
    }
  }
}

async function readHeader(bytes: Uint8Array, name: string): Promise<Metadata> {
  try {
    // No limit here: the header alone is read, and we say ourselves what is too large.
    return await sharp(bytes, { limitInputPixels: false }).metadata()
  } catch (cause) {
    const start = Buffer.from(bytes.subarray(0, 512)).toString('latin1')
    if (start.startsWith('version https://git-lfs')) {
      throw unreadable(name, 'is a Git LFS pointer, not the image itself', cause, 'Fetch it with git lfs pull.')
    }
    const printable = /^[\t\n\r\x20-\x7e]*$/.test(start)
    throw unreadable(
      name,
      printable ? 'is text, not an image' : `is not an image we can read (${reason(cause)})`,
      cause,
    )
  }
}

function pipeline(bytes: Uint8Array, header: Metadata, maxPixels: number): Sharp {
  const image = sharp(bytes, { failOn: 'warning', limitInputPixels: maxPixels, page: 0, pages: 1 })
  image.autoOrient().toColourspace('srgb')
  if (header.format === 'svg') image.timeout({ seconds: SVG_SECONDS })
  // sharp works on 16-bit RGB with a profile in Display P3 and would hand out those values as they are.
  if (header.space === 'rgb16' && header.icc !== undefined) image.withIccProfile('srgb', { attach: false })
  return image
}

/** sharp's own timeout stops between strips only, and one strip of nested filters can take days. */
async function inTime<T>(drawing: Promise<T>, name: string): Promise<T> {
  drawing.catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const fault = unreadable(name, `takes more than ${SVG_SECONDS} s to draw`, undefined, 'Convert it to PNG first.')
    timer = setTimeout(() => reject(fault), SVG_SECONDS * 1000)
  })
  return await Promise.race([drawing, late]).finally(() => clearTimeout(timer))
}

async function pixels(image: Sharp): Promise<Photo> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  if (channels !== 3 && channels !== 4) throw new Error(`${channels} channels instead of 3 or 4`)
  return { data, width, height, channels }
}

async function decodeRaw(raw: RawImage, maxPixels: number, signal: AbortSignal | undefined): Promise<Photo> {
  const { data, width, height, channels } = raw
  const fault = (what: string) =>
    unreadable('The raw image', what, undefined, 'Pass { data, width, height, channels }.')
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw fault('has no data of type Uint8Array or Uint8ClampedArray')
  }
  for (const [key, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1) throw fault(`has ${key} ${value}, which is no integer from 1`)
  }
  if (![1, 2, 3, 4].includes(channels)) throw fault(`has ${channels} channels instead of 1 to 4`)
  checkPixels('The raw image', width, height, maxPixels)
  if (data.length !== width * height * channels) {
    throw fault(
      `holds ${data.length} bytes where ${width} x ${height} x ${channels} needs ${width * height * channels}`,
    )
  }
  if (data.buffer instanceof SharedArrayBuffer) throw fault('lies in shared memory, which others may change')
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (channels === 3 || channels === 4) return { data: await copyOf(bytes), width, height, channels }
  const grey = sharp(bytes, { raw: { width, height, channels }, limitInputPixels: maxPixels })
  return await abortable(pixels(grey.toColourspace('srgb')), signal)
}

/** Piece by piece, so that the event loop is not held. The caller may transfer its buffer away while we work on ours. */
async function copyOf(bytes: Uint8Array): Promise<Uint8Array> {
  const copy = new Uint8Array(bytes.length)
  const piece = 1 << 23
  for (let start = 0; start < bytes.length; start += piece) {
    if (start > 0) await yieldToLoop()
    copy.set(bytes.subarray(start, start + piece), start)
  }
  return copy
}

function checkPixels(name: string, width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels) return
  const count = (n: number) => n.toLocaleString('en-US')
  throw new SessError(
    'IMAGE_TOO_LARGE',
    `${name} has ${width} x ${height} = ${count(width * height)} pixels; the limit is ${count(maxPixels)}. ` +
      'Raise it with --max-pixels (maxPixels in the library), or shrink the image.',
  )
}

function unreadable(name: string, what: string, cause?: unknown, todo?: string): SessError {
  const advice = todo ?? 'Pass a complete JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG.'
  return new SessError('IMAGE_UNREADABLE', `${name} ${what}. ${advice}`, { cause })
}

/** The first line of a libvips message; the rest repeats it for each row. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  return message.split('\n', 1)[0]?.trim() || 'no reason given'
}
