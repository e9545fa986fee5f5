import sharp from 'sharp'
import type { Size } from '../native.ts'
import { type Raster, sharpOf } from '../render/raster.ts'

/** A photo as it is embedded. */
interface EncodedPhoto {
  readonly bytes: Uint8Array
  readonly type: 'image/jpeg'
  readonly shown: Size
}

/** What a page embeds: enough for a large screen, and within what canvases hold. */
const most = { pixels: 1 << 21, side: 4096, bytes: 1.6e6 } as const
/** The first that is small enough is taken; photos are with the first, noise is not. */
const qualities = [88, 75, 55, 30] as const

/** As JPEG of bounded size in pixels and bytes. */
export async function encodedPhoto(photo: Raster): Promise<EncodedPhoto> {
  const { width, height } = photo
  const scale = Math.min(1, Math.sqrt(most.pixels / (width * height)), most.side / Math.max(width, height))
  const shown = { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) }
  const { data, info } = await sharpOf(photo)
    .resize(shown.width, shown.height, { fit: 'fill' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  let bytes: Uint8Array = new Uint8Array()
  for (const quality of qualities) {
    bytes = await sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
      .jpeg({ quality, chromaSubsampling: '4:4:4' })
      .toBuffer()
    if (bytes.length <= most.bytes) break
  }
  return { bytes, type: 'image/jpeg', shown }
}
