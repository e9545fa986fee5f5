import { expect, it } from 'vitest'
import { drawContours } from '../../src/render/contours.ts'

/** A picture in one grey under its lines: `#` white, `.` black, ` ` untouched. */
async function lines(map: readonly (readonly number[])[], thresholds: readonly number[], radius = 0) {
  const [height, width] = [map.length, map[0]?.length ?? 0]
  const data = new Uint8Array(3 * height * width).fill(100)
  await drawContours({ data, width, height }, Float32Array.from(map.flat()), thresholds, radius)
  const seen = new Map([
    ['100,100,100', ' '],
    ['0,0,0', '.'],
    ['255,255,255', '#'],
  ])
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_v, x) =>
      seen.get(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3).join()),
    ).join(''),
  )
}

const hill = (height: number, width: number, top: number, left: number, bottom: number, right: number, value = 1) =>
  Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_v, x) => (y >= top && y <= bottom && x >= left && x <= right ? value : 0)),
  )

it('a line runs along the inner edge, in a dark border', async () => {
  expect(await lines(hill(9, 9, 2, 2, 6, 6), [0.5])).toEqual([
    '         ',
    '  .....  ',
    ' .#####. ',
    ' .#...#. ',
    ' .#. .#. ',
    ' .#...#. ',
    ' .#####. ',
    '  .....  ',
    '         ',
  ])
})

it('none runs along the edge of the picture', async () => {
  expect(await lines(hill(5, 6, 0, 0, 1, 5), [0.5])).toEqual(['......', '######', '......', '      ', '      '])
  expect(await lines(hill(3, 3, 0, 0, 2, 2), [0.5])).toEqual(['   ', '   ', '   '])
})

it('what equals a threshold does not exceed it', async () => {
  const flat = [[0, 0.5, 0.5, 0]]
  expect(await lines(flat, [0.5])).toEqual(['    '])
  expect(await lines(flat, [0.25])).toEqual(['.##.'])
})

it('each threshold has a line of its own', async () => {
  const stairs = [Array.from({ length: 13 }, (_, x) => Math.floor(x / 4) / 3)]
  expect(await lines(stairs, [0.1, 0.5])).toEqual(['   .#. .#.   '])
})

it('a wider line is a disc around every pixel of it, cut at the edges', async () => {
  expect(await lines(hill(6, 7, 2, 3, 2, 3), [0.5], 1)).toEqual([
    '   .   ',
    '  .#.  ',
    ' .###. ',
    '  .#.  ',
    '   .   ',
    '       ',
  ])
  expect((await lines([[1, 0]], [0.5], 50)).join('')).toBe('##')
})

it('a map larger than a turn of the event loop is drawn to its end', async () => {
  const width = 300_001
  const data = new Uint8Array(3 * width)
  const map = new Float32Array(width)
  map[width - 1] = 1
  await drawContours({ data, width, height: 1 }, map, [0], 0.5)
  expect(data.indexOf(255)).toBe(3 * (width - 1))
})
