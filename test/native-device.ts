/** The device of a test file, the one that `SESS_DEVICE` names or the processor, and short names for what tests make on it. */
import { afterAll, expect } from 'vitest'
import { Device, Stream, Tensor } from '../src/native.ts'

export const onCuda = process.env.SESS_DEVICE === 'cuda'
export const device = new Device(onCuda ? { type: 'cuda', index: 0, threads: 2 } : { type: 'cpu', threads: 2 })
export const stream = new Stream(device)
afterAll(() => {
  stream.dispose()
  device.dispose()
})

export const f32 = (...shape: number[]) => new Tensor(device, 'float32', shape)
export const u8 = (...shape: number[]) => new Tensor(device, 'uint8', shape)
/** A tensor over a copy of numbers, or, on the processor, over the array itself. */
export function wrap(data: readonly number[] | Float32Array, ...shape: number[]) {
  const values = data instanceof Float32Array ? data : Float32Array.from(data)
  if (!onCuda) return Tensor.wrap(device, values, shape)
  const tensor = f32(...shape)
  tensor.write(values)
  return tensor
}
export const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i))
export const code = (expected: string) => expect.objectContaining({ name: 'SessError', code: expected })
