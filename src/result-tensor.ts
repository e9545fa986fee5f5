import { type ArrayOf, type Device, Tensor } from './native.ts'

type ResultType = 'float32' | 'uint8'

/** A tensor of this content: over the same memory where the device reads it, else a copy. */
export function photoTensor(device: Device, data: Uint8Array, shape: readonly number[]): Tensor<'uint8'> {
  if (device.type === 'cpu') return Tensor.wrap(device, data, shape)
  const tensor = new Tensor(device, 'uint8', shape)
  try {
    tensor.write(data)
  } catch (error) {
    tensor.dispose()
    throw error
  }
  return tensor
}

/** What an op writes and JavaScript reads: the array's own memory where the device can write it, else copied into it. */
export class ResultTensor<D extends ResultType> implements Disposable {
  readonly tensor: Tensor<D>
  readonly #own: ArrayOf[D] | undefined

  private constructor(tensor: Tensor<D>, own: ArrayOf[D] | undefined) {
    this.tensor = tensor
    this.#own = own
  }

  /** `allocate` makes the array, where it is written in place. */
  static float32(device: Device, shape: readonly number[], allocate: () => Float32Array): ResultTensor<'float32'> {
    if (device.type !== 'cpu') return new ResultTensor(new Tensor(device, 'float32', shape), undefined)
    const own = allocate()
    return new ResultTensor(Tensor.wrap(device, own, shape), own)
  }

  static uint8(device: Device, shape: readonly number[]): ResultTensor<'uint8'> {
    if (device.type !== 'cpu') return new ResultTensor(new Tensor(device, 'uint8', shape), undefined)
    const own = new Uint8Array(shape.reduce((product, side) => product * side, 1))
    return new ResultTensor(Tensor.wrap(device, own, shape), own)
  }

  /** The values; the ops that write them must have ended. */
  values(): ArrayOf[D] {
    return this.#own ?? this.tensor.read()
  }

  [Symbol.dispose](): void {
    this.tensor.dispose()
  }
}
