/** The device of a test file, and short names for what tests make on it. */
import { afterAll, expect } from 'vitest'
import { Device, Stream, Tensor } from '../src/native.ts'

export const device = new Device({ type: 'cpu', threads: 2 })
export const stream = new Stream(device)
afterAll(() => {
  stream.dispose()
  device.dispose()
})

export const f32 = (...shape: number[]) => new Tensor(device, 'float32', shape)
export const u8 = (...shape: number[]) => new Tensor(device, 'uint8', shape)
/** A tensor over a copy of numbers, or over the array itself. */
export const wrap = (data: readonly number[] | Float32Array, ...shape: number[]) =>
  Tensor.wrap(device, data instanceof Float32Array ? data : Float32Array.from(data), shape)
export const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i))
export const code = (expected: string) => expect.objectContaining({ name: 'SessError', code: expected })
