import sharp, { type Sharp } from 'sharp'
import type { Plane } from '../io/npy.ts'
import type { Photo } from '../io/photo.ts'
import { type Device, flatten, overlay, Stream, Tensor } from '../native.ts'
import { type OverlayOptions, overlayArguments, peakOf } from './overlay.ts'

/** The photo under the colours of its map, at the photo's own resolution. */
export async function drawOverlay(
  device: Device,
  photo: Photo,
  map: Plane,
  options: OverlayOptions = {},
): Promise<Sharp> {
  const { height, width } = photo
  if (map.height !== height || map.width !== width) {
    throw new RangeError(`a map of ${map.height} x ${map.width} is not of the photo's ${height} x ${width}`)
  }
  const colours = overlayArguments(options, await peakOf(map.data))
  const out = new Uint8Array(height * width * 3)
  const owned: { dispose(): void }[] = []
  const own = <T extends { dispose(): void }>(tensor: T): T => {
    owned.push(tensor)
    return tensor
  }
  const stream = new Stream(device)
  try {
    const drawn = own(Tensor.wrap(device, out, [height, width, 3]))
    const pixels = own(Tensor.wrap(device, photo.data, [height, width, photo.channels]))
    const values = own(Tensor.wrap(device, map.data, [height, width]))
    const opaque = photo.channels === 3 ? pixels : drawn
    const steps: Promise<unknown>[] = []
    if (photo.channels === 4) steps.push(flatten(stream, pixels, opaque))
    steps.push(overlay(stream, opaque, values, colours, drawn))
    await Promise.all(steps)
  } finally {
    stream.dispose()
    for (const tensor of owned) tensor.dispose()
  }
  return sharp(out, { raw: { width, height, channels: 3 }, limitInputPixels: false })
}
