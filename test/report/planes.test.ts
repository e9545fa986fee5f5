import { expect, it } from 'vitest'
import { planesOf } from '../../src/report/planes.ts'
import { unpacked } from './read.ts'

const bitsOf = (values: Float32Array) => [...new Uint32Array(values.slice().buffer)]

it.each<[string, Float32Array]>([
  ['nothing', new Float32Array()],
  ['one value', Float32Array.of(0.3)],
  [
    'values that rise and fall, signs, infinities',
    Float32Array.of(0, 1, 0.5, -0, -1e-42, 3e38, -Infinity, Infinity, 0),
  ],
  ['NaN of several kinds', new Float32Array(new Uint32Array([0x7fc00000, 0xffc00001, 0x7f800001]).buffer)],
  ['more than a turn of the event loop', Float32Array.from({ length: 300_001 }, (_, i) => Math.sin(i / 99))],
])('%s come back bit for bit', async (_, values) => {
  const planes = await planesOf(values)
  expect(planes.length).toBe(4 * values.length)
  expect(bitsOf(unpacked(planes))).toEqual(bitsOf(values))
})

it('a part of a larger array is packed alone', async () => {
  const all = Float32Array.of(9, 0.25, 0.5, 9)
  expect([...unpacked(await planesOf(all.subarray(1, 3)))]).toEqual([0.25, 0.5])
})
