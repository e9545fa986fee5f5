import { type ArrayOf, copy, Device, type Stream, Tensor } from './native.ts'

type ResultType = 'float32' | 'uint8'

/** A tensor of this content: over the same memory where the device reads it, else a copy. */
export async function photoTensor(
  device: Device,
  stream: Stream,
  data: Uint8Array,
  shape: readonly number[],
): Promise<Tensor<'uint8'>> {
  if (device.type === 'cpu') return Tensor.wrap(device, data, shape)
  const tensor = new Tensor(device, 'uint8', shape)
  try {
    await passing(
      overMemory((cpu) => Tensor.wrap(cpu, data, shape)),
      (from) => copy(stream, from, tensor),
    )
  } catch (error) {
    tensor.dispose()
    throw error
  }
  return tensor
}

/** What an op writes and JavaScript reads: the array's own memory where the device can write it, else copied into it. */
export class ResultTensor<D extends ResultType> implements Disposable {
  readonly tensor: Tensor<D>
  /** Brings the values into the array. */
  readonly #values: (stream: Stream) => Promise<ArrayOf[D]>

  private constructor(tensor: Tensor<D>, values: (stream: Stream) => Promise<ArrayOf[D]>) {
    this.tensor = tensor
    this.#values = values
  }

  static float32(device: Device, values: Float32Array, shape: readonly number[]): ResultTensor<'float32'> {
    if (device.type === 'cpu') return new ResultTensor(Tensor.wrap(device, values, shape), async () => values)
    const tensor = new Tensor(device, 'float32', shape)
    return new ResultTensor(tensor, (stream) => copiedInto(values, stream, tensor))
  }

  static uint8(device: Device, values: Uint8Array, shape: readonly number[]): ResultTensor<'uint8'> {
    if (device.type === 'cpu') return new ResultTensor(Tensor.wrap(device, values, shape), async () => values)
    const tensor = new Tensor(device, 'uint8', shape)
    return new ResultTensor(tensor, async (stream) => {
      const landing = overMemory((cpu) => Tensor.wrap(cpu, values, shape))
      await passing(landing, (to) => copy(stream, tensor, to))
      return values
    })
  }

  /** The values, once what was enqueued before has run. */
  values(stream: Stream): Promise<ArrayOf[D]> {
    return this.#values(stream)
  }

  [Symbol.dispose](): void {
    this.tensor.dispose()
  }
}

/** The values of a tensor, once what was enqueued before has run. */
export async function valuesOf(stream: Stream, tensor: Tensor<'float32'>): Promise<Float32Array> {
  return await copiedInto(new Float32Array(tensor.byteLength / Float32Array.BYTES_PER_ELEMENT), stream, tensor)
}

async function copiedInto(values: Float32Array, stream: Stream, tensor: Tensor<'float32'>): Promise<Float32Array> {
  const landing = overMemory((cpu) => Tensor.wrap(cpu, values, tensor.shape))
  await passing(landing, (to) => copy(stream, tensor, to))
  return values
}

/** A tensor over JavaScript's memory, on a processor device that goes with it. */
function overMemory<T>(wrap: (cpu: Device) => T): T {
  const cpu = new Device({ type: 'cpu', threads: 1 })
  try {
    return wrap(cpu)
  } finally {
    cpu.dispose()
  }
}

async function passing<D extends ResultType>(tensor: Tensor<D>, use: (tensor: Tensor<D>) => Promise<unknown>) {
  try {
    await use(tensor)
  } finally {
    tensor.dispose()
  }
}
