import { throwIfAborted } from './io/abort.ts'
import type { Photo } from './io/photo.ts'
import { type Device, flatten, Stream, type Tensor } from './native.ts'
import { photoTensor, ResultTensor } from './result-tensor.ts'
import { Stopwatch } from './sess/stopwatch.ts'

/** A photo without alpha, and the tensor over the same memory. */
interface OpaquePixels extends Disposable {
  readonly photo: Photo
  readonly tensor: Tensor<'uint8'>
}

/** What one call owns: a stream that its signal stops, and a clock. */
export class Call implements Disposable {
  readonly stream: Stream
  readonly clock = new Stopwatch()
  readonly #device: Device
  readonly #signal: AbortSignal | undefined
  readonly #cancel: () => void

  constructor(device: Device, signal: AbortSignal | undefined) {
    throwIfAborted(signal)
    this.#device = device
    this.stream = new Stream(device)
    this.#cancel = () => this.stream.cancel()
    // A signal of our own: many calls may share the caller's, and each listener on that counts against its limit.
    this.#signal = signal && AbortSignal.any([signal])
    this.#signal?.addEventListener('abort', this.#cancel, { once: true })
  }

  /** The photo on the device, alpha flattened onto white. */
  async pixels(photo: Photo): Promise<OpaquePixels> {
    const { data, height, width, channels } = photo
    if (channels === 3) return opaque(photo, await photoTensor(this.#device, this.stream, data, [height, width, 3]))
    const rgba = await photoTensor(this.#device, this.stream, data, [height, width, 4])
    try {
      const rgb = ResultTensor.uint8(this.#device, new Uint8Array(height * width * 3), [height, width, 3])
      try {
        await this.clock.add('decode', flatten(this.stream, rgba, rgb.tensor))
        return opaque({ data: await rgb.values(this.stream), height, width, channels: 3 }, rgb.tensor)
      } catch (error) {
        rgb.tensor.dispose()
        throw error
      }
    } finally {
      rgba.dispose()
    }
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener('abort', this.#cancel)
    this.stream.cancel() // what a failure left waiting
    this.stream.dispose()
  }
}

function opaque(photo: Photo, tensor: Tensor<'uint8'>): OpaquePixels {
  return { photo, tensor, [Symbol.dispose]: () => tensor.dispose() }
}
