import type { Plane } from '../io/npy.ts'
import type { Photo } from '../io/photo.ts'
import { type Device, flatten, overlay, Stream, Tensor } from '../native.ts'
import { type ColourOptions, overlayArguments, peakOf } from './overlay.ts'
import type { Raster } from './raster.ts'

/** The photo under the colours of its map, at the photo's own resolution. */
export async function drawOverlay(
  device: Device,
  photo: Photo,
  map: Plane,
  options: ColourOptions = {},
): Promise<Raster> {
  const { height, width } = photo
  if (map.height !== height || map.width !== width) {
    throw new RangeError(`a map of ${map.height} x ${map.width} is not of the photo's ${height} x ${width}`)
  }
  const isGiven = options.range !== undefined && options.range !== 'auto'
  const colours = overlayArguments(options, isGiven ? 0 : await peakOf(map.data))
  const data = new Uint8Array(height * width * 3)
  await onDevice(device, async (stream, own) => {
    const drawn = own(Tensor.wrap(device, data, [height, width, 3]))
    const pixels = own(Tensor.wrap(device, photo.data, [height, width, photo.channels]))
    const values = own(Tensor.wrap(device, map.data, [height, width]))
    const opaque = photo.channels === 3 ? pixels : drawn
    const steps: Promise<unknown>[] = []
    if (photo.channels === 4) steps.push(flatten(stream, pixels, opaque))
    steps.push(overlay(stream, opaque, values, colours, drawn))
    await Promise.all(steps)
  })
  return { data, width, height }
}

/** The photo alone, on white where it is transparent. Where nothing is, its own memory: not to be drawn on. */
export async function drawPhoto(device: Device, { data: samples, height, width, channels }: Photo): Promise<Raster> {
  if (channels === 3) return { data: samples, width, height }
  const data = new Uint8Array(height * width * 3)
  await onDevice(device, async (stream, own) => {
    const pixels = own(Tensor.wrap(device, samples, [height, width, channels]))
    await flatten(stream, pixels, own(Tensor.wrap(device, data, [height, width, 3])))
  })
  return { data, width, height }
}

type Own = <T extends { dispose(): void }>(tensor: T) => T

/** Runs ops on a stream of their own, and lets go of the tensors that they were given. */
async function onDevice(device: Device, work: (stream: Stream, own: Own) => Promise<void>): Promise<void> {
  const owned: { dispose(): void }[] = []
  const stream = new Stream(device)
  try {
    await work(stream, (tensor) => {
      owned.push(tensor)
      return tensor
    })
  } finally {
    stream.dispose()
    for (const tensor of owned) tensor.dispose()
  }
}
