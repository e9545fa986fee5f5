import { setImmediate as yieldToLoop } from 'node:timers/promises'
import sharp, { type Sharp } from 'sharp'

/** 8-bit RGB pixels, row-major. */
export interface Raster {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** A raster at a place of a larger one, in whole pixels from the upper left. */
export interface PlacedRaster extends Raster {
  readonly x: number
  readonly y: number
}

/** Bytes between two turns of the event loop: about a millisecond. */
const TURN = 1 << 22

/** Rasters on white. None may reach over the edges. */
export async function assembled(
  size: Pick<Raster, 'width' | 'height'>,
  parts: readonly PlacedRaster[],
): Promise<Raster> {
  const { width, height } = size
  const data = new Uint8Array(3 * width * height)
  for (let start = 0; start < data.length; start += TURN) {
    data.fill(255, start, start + TURN)
    await yieldToLoop()
  }
  for (const part of parts) await paste(data, width, part)
  return { data, width, height }
}

async function paste(onto: Uint8Array, stride: number, { data, width, height, x, y }: PlacedRaster): Promise<void> {
  const rows = Math.max(1, Math.floor(TURN / (3 * width)))
  for (let row = 0; row < height; row++) {
    if (row % rows === rows - 1) await yieldToLoop()
    onto.set(data.subarray(3 * row * width, 3 * (row + 1) * width), 3 * ((y + row) * stride + x))
  }
}

export function sharpOf({ data, width, height }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
}

export async function rasterOf(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}
