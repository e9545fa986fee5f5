import { setImmediate as yieldToLoop } from 'node:timers/promises'

/** Values between two turns of the event loop: about a millisecond. */
const TURN = 1 << 17

/**
 * Floats in a form that compresses well and is exact: the difference of each value's bits from those of the value
 * before, its four bytes in planes of their own. `client/unpack.ts` reads it.
 */
export async function planesOf(values: Float32Array): Promise<Uint8Array> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const { length } = bits
  const planes = new Uint8Array(4 * length)
  let before = 0
  for (let i = 0; i < length; i++) {
    if (i % TURN === TURN - 1) await yieldToLoop()
    const own = bits[i] ?? 0
    const difference = own - before
    before = own
    planes[i] = difference
    planes[length + i] = difference >>> 8
    planes[2 * length + i] = difference >>> 16
    planes[3 * length + i] = difference >>> 24
  }
  return planes
}
