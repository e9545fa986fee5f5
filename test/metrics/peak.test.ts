import { expect, it } from 'vitest'
import { peakPixel } from '../../src/metrics/peak.ts'

it.each<[string, number[], number, { x: number; y: number; value: number } | null]>([
  ['one pixel', [0.5], 1, { x: 0, y: 0, value: 0.5 }],
  ['the last pixel', [0, 0.25, 0.25, 0.25, 0, 0.75], 3, { x: 2, y: 1, value: 0.75 }],
  ['several of one value: the first in rows from the top', [0, 0, 0.5, 0.5, 0.5, 0], 2, { x: 0, y: 1, value: 0.5 }],
  ['zeros', [0, 0, 0, 0], 2, null],
  ['nothing', [], 1, null],
  ['what is no number', [Number.NaN, 0.25, Number.NaN], 3, { x: 1, y: 0, value: 0.25 }],
])('finds the peak of %s', async (_, map, width, peak) => {
  expect(await peakPixel(Float32Array.from(map), width)).toEqual(peak)
})

it('finds a peak after several turns of the event loop', async () => {
  const map = new Float32Array(1001 * 613).fill(0.125)
  map[612 * 1001 + 77] = 0.25
  expect(await peakPixel(map, 1001)).toEqual({ x: 77, y: 612, value: 0.25 })
})
