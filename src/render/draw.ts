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
  const tensors: Tensor[] = []
  const wrap = (data: Uint8Array | Float32Array, shape: readonly number[]) => {
    const tensor = Tensor.wrap(device, data, shape)
    tensors.push(tensor)
    return tensor
  }
  const stream = new Stream(device)
  try {
    const drawn = wrap(out, [height, width, 3])
    const opaque = photo.channels === 3 ? wrap(photo.data, [height, width, 3]) : drawn
    const steps: Promise<unknown>[] = []
    if (photo.channels === 4) steps.push(flatten(stream, wrap(photo.data, [height, width, 4]), opaque))
    steps.push(overlay(stream, opaque, wrap(map.data, [height, width]), colours, drawn))
    await Promise.all(steps)
  } finally {
    stream.dispose()
    for (const tensor of tensors) tensor.dispose()
  }
  return sharp(out, { raw: { width, height, channels: 3 }, limitInputPixels: false })
}
