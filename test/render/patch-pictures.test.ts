import { afterAll, describe, expect, it } from 'vitest'
import type { ExplainedWindow } from '../../src/explanation.ts'
import { Device } from '../../src/native.ts'
import { type PatchSource, patchPictures, smallPhoto } from '../../src/render/patch-pictures.ts'

const device = new Device({ type: 'cpu', threads: 1 })
afterAll(() => device.dispose())

const window = (index: number, box: ExplainedWindow['box']): ExplainedWindow => ({
  ...{ index, level: 0, y: 0, x: 0, height: 4, width: 4, box, probability: 0.5, weight: 1, kept: true },
})
const source = (maps: readonly number[], more: Partial<PatchSource> = {}): PatchSource => ({
  maps: Float32Array.from(maps),
  window: { height: 4, width: 4 },
  rows: new Map([[0, 0]]),
  nonfinite: new Set(),
  photo: { height: 288, width: 576 },
  small: { height: 72, width: 144 },
  ...more,
})
const flat = (value: number) => new Array<number>(16).fill(value)
const whole = { x: 0, y: 0, width: 576, height: 288 }

describe('the small photo', () => {
  it.each([
    ['wide', 640, 426, 144, 96],
    ['high', 30, 90, 48, 144],
    ['of one pixel', 1, 1, 144, 144],
    ['a strip', 5000, 3, 144, 1],
  ])('of a photo that is %s keeps its shape', async (_, width, height, expectedWidth, expectedHeight) => {
    const photo = { data: new Uint8Array(3 * width * height).fill(77), width, height, channels: 3 } as const
    const small = await smallPhoto(device, photo)
    expect([small.width, small.height]).toEqual([expectedWidth, expectedHeight])
    expect(small.data.every((sample) => sample === 77)).toBe(true)
  })
})

describe('a picture of a window', () => {
  it.each([
    ['the whole photo', whole, { x: 0, y: 0, width: 144, height: 72 }],
    ['a part', { x: 100, y: 50, width: 201, height: 99 }, { x: 25, y: 13, width: 50, height: 24 }],
    [
      'flush with the far corner',
      { x: 376.4, y: 88.2, width: 199.6, height: 199.8 },
      { x: 94, y: 22, width: 50, height: 50 },
    ],
    ['less than a pixel', { x: 575.5, y: 287.5, width: 0.5, height: 0.5 }, { x: 143, y: 71, width: 1, height: 1 }],
  ])('has its box in whole pixels of the small photo: %s', async (_, box, expected) => {
    const [picture] = await patchPictures([window(0, box)], source(flat(1)))
    expect(picture).toMatchObject({ kind: 'map', box: expected })
    if (picture?.kind === 'map') expect([...picture.map]).toEqual(new Array(expected.width * expected.height).fill(255))
  })

  it('has the window’s own map, the rows of which follow the kept windows', async () => {
    const left = [1, 1, 0, 0]
    const maps = [...flat(0.25), ...left, ...left, ...left, ...left]
    const rows = new Map([
      [3, 0],
      [7, 1],
    ])
    const box = { x: 0, y: 0, width: 32, height: 16 }
    const [seven, three] = await patchPictures([window(7, box), window(3, box)], source(maps, { rows }))
    if (seven?.kind !== 'map' || three?.kind !== 'map') throw new Error('both have maps')
    expect([...three.map]).toEqual(new Array(32).fill(64))
    // 8 x 4 pixels of 4 x 4 samples, between neighbours at the middle
    for (let y = 0; y < 4; y++) {
      const line = [...seven.map.subarray(8 * y, 8 * y + 8)]
      expect(line.slice(0, 3)).toEqual([255, 255, 255])
      expect(line.slice(5)).toEqual([0, 0, 0])
      expect(line[3]).toBeGreaterThan(line[4] ?? 255)
    }
  })

  it('says what has no map to paint: zero everywhere, left out by the pre-filter, not finite', async () => {
    const windows = [0, 1, 2].map((index) => window(index, whole))
    const pictures = await patchPictures(windows, source(flat(0), { nonfinite: new Set([2]) }))
    expect(pictures.map(({ kind }) => kind)).toEqual(['zero', 'pre-filtered', 'nonfinite'])
  })
})
