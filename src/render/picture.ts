import { extname } from 'node:path'
import type { Sharp } from 'sharp'
import { invalidOption, SessError } from '../error.ts'
import { writeAtomically } from '../io/atomic.ts'

/** Extensions that a picture can be written to. */
export const pictureExtensions = ['.png', '.jpg', '.jpeg', '.webp'] as const

export type PictureFormat = 'png' | 'jpeg' | 'webp'

/** A picture that is drawn when it is first asked for, once. */
export class Picture {
  readonly #draw: () => Promise<Sharp>
  #drawn: Promise<Sharp> | undefined

  constructor(draw: () => Promise<Sharp>) {
    this.#draw = draw
  }

  /** The pixels in a sharp instance of the caller's own. */
  async sharp(): Promise<Sharp> {
    this.#drawn ??= this.#draw()
    try {
      return (await this.#drawn).clone()
    } catch (error) {
      this.#drawn = undefined // it may go better next time
      throw error
    }
  }

  /** Writes `.png`, `.jpg`, `.jpeg` or `.webp`, whole or not at all. */
  async toFile(path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const format = pictureFormat(path)
    const picture = await this.sharp()
    refuseTooLarge(path, format, await sideOf(picture))
    await writeAtomically(path, (temporary) => encode(picture, format).toFile(temporary), options)
  }

  async toBuffer(format: PictureFormat = 'png'): Promise<Buffer> {
    const picture = await this.sharp()
    refuseTooLarge('The picture', format, await sideOf(picture))
    return await encode(picture, format).toBuffer()
  }
}

/** Pixels a side that a format has numbers for. */
const mostPixels: Readonly<Record<PictureFormat, number>> = { png: 2 ** 31 - 1, jpeg: 65_535, webp: 16_383 }

/**
 * Refuses a picture that its format cannot hold.
 * @param side its longer one, pixels
 * @throws SessError `OUTPUT_UNWRITABLE`
 */
export function refuseTooLarge(what: string, format: PictureFormat, side: number): void {
  if (side <= mostPixels[format]) return
  const why = `would have ${side} pixels on a side, and ${format === 'webp' ? 'WebP' : 'JPEG'} ends at ${mostPixels[format]}`
  throw new SessError('OUTPUT_UNWRITABLE', `${what} ${why}. Choose PNG, with a name that ends in .png.`)
}

async function sideOf(picture: Sharp): Promise<number> {
  const { width, height } = await picture.metadata()
  return Math.max(width, height)
}

/** The format that a path's extension asks for. */
export function pictureFormat(path: string): PictureFormat {
  switch (extname(path).toLowerCase()) {
    case '.png':
      return 'png'
    case '.jpg':
    case '.jpeg':
      return 'jpeg'
    case '.webp':
      return 'webp'
    default:
      throw invalidOption('The picture', path, `a name that ends in ${pictureExtensions.join(', ')}`)
  }
}

/** Full colour resolution: chroma at half size smears the narrow edges of a colour map. */
function encode(picture: Sharp, format: PictureFormat): Sharp {
  switch (format) {
    case 'png':
      return picture.png()
    case 'jpeg':
      return picture.jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
    case 'webp':
      return picture.webp({ quality: 92, smartSubsample: true })
  }
}
