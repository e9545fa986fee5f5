import { describe, expect, it } from 'vitest'
import { patchPages } from '../../src/patch-pages.ts'
import { colormapTable } from '../../src/render/colormaps.ts'
import { inkOf, type Pixels, pixelsOf } from './pixels.ts'
import { painted, syntheticPatches, windowAt } from './synthetic-patches.ts'

const drawn = async (...[patches, options]: Parameters<typeof patchPages>): Promise<readonly Pixels[]> =>
  await Promise.all(patchPages(patches, options).map(async (page) => await pixelsOf(await page.sharp())))

/** Where the i-th picture of a line begins, in the first column of explanations. */
const left = (i: number) => 24 + 118 + 12 + i * 156
/** Where the photos of a line begin, found by one that is shown whole: rows of grey all across. */
function tops({ height, at }: Pixels, x: number): readonly number[] {
  const isPhoto = (y: number) => [60, 70, 80, 90].every((dx) => String(at(x + dx, y)) === '100,100,100')
  const rows = Array.from({ length: height }, (_, y) => y)
  return rows.filter((y) => isPhoto(y) && !isPhoto(y - 1))
}
const corner = { x: 0, y: 0, width: 40, height: 30 }
const red = [255, 0, 0]
const grey = [100, 100, 100]

describe('a page of windows', () => {
  it('shows the map inside the box, and the photo as it is around it', async () => {
    const inner = { x: 30, y: 11, width: 57, height: 40 }
    const [page] = await drawn([syntheticPatches([[64, [painted(0, corner, 0), painted(1, inner, 255)]]])], {
      alpha: 1,
    })
    if (page === undefined) throw new Error('there is a page')
    const [top = 0] = tops(page, left(0))
    const colours = colormapTable('inferno')
    for (const [i, box, colour] of [
      [0, corner, [...colours.subarray(0, 3)]],
      [1, inner, [...colours.subarray(-3)]],
    ] as const) {
      for (let y = 0; y < 72; y++) {
        for (let x = 0; x < 144; x++) {
          const inside = Math.min(x - box.x, box.x + box.width - 1 - x, y - box.y, box.y + box.height - 1 - y)
          const expected = inside < 0 ? grey : ([[255, 255, 255], red, red][inside] ?? colour)
          expect(page.at(left(i) + x, top + y), `picture ${i} at ${x}, ${y}`).toEqual(expected)
        }
      }
    }
  })

  it('has a grey box and no colours for a window that was left out, a red one where the map is zero', async () => {
    const out = { kind: 'pre-filtered', box: corner, window: windowAt(0, corner, { kept: false }) } as const
    const zero = { kind: 'zero', box: corner, window: windowAt(1, corner) } as const
    const [page] = await drawn([syntheticPatches([[64, [out, zero]]])])
    if (page === undefined) throw new Error('there is a page')
    const [top = 0] = tops(page, left(0))
    expect(page.at(left(0) + 1, top + 1)).toEqual([150, 150, 150])
    expect(page.at(left(1) + 1, top + 1)).toEqual(red)
    for (const i of [0, 1]) expect(page.at(left(i) + 20, top + 15)).toEqual(grey)
  })

  it('stands explanations beside each other, and keeps the margin white', async () => {
    const one = syntheticPatches([[64, [painted(0, corner, 9)]]], {
      model: 'a model with a rather long name '.repeat(9),
    })
    const other = syntheticPatches([[64, [painted(0, corner, 9), painted(1, corner, 9)]]])
    const [page] = await drawn([one, other], { title: 'a photo with a rather long name '.repeat(9) })
    if (page === undefined) throw new Error('there is a page')
    const columnWidth = 5 * 156 - 12
    expect(page.width).toBe(2 * 24 + 118 + 12 + 2 * columnWidth + 36)
    const second = left(0) + columnWidth + 36
    expect(tops(page, second).slice(0, 1)).toEqual(tops(page, left(0)).slice(0, 1))
    expect(tops(page, second + 156)).toHaveLength(1)
    expect(tops(page, left(1))).toHaveLength(0)
    const ink = inkOf(page)
    expect(ink?.left).toBeGreaterThanOrEqual(24)
    expect(ink?.top).toBeGreaterThanOrEqual(24)
    expect(ink?.right).toBeLessThan(page.width - 24)
    expect(ink?.bottom).toBeLessThan(page.height - 24)
  })

  it('goes on on further pages; the last has the charts', async () => {
    const many = Array.from({ length: 251 }, (_, i) => painted(i, corner, 200))
    const pages = await drawn([syntheticPatches([[64, many]])])
    expect(pages.map((page) => tops(page, left(0)).length)).toEqual([24, 2])
    expect(pages.map((page) => tops(page, left(1)).length)).toEqual([24, 1])
  })
})

describe('pages are refused', () => {
  const one = syntheticPatches([[64, [painted(0, corner, 9)]]])
  it.each([
    ['of nothing', [], /patches is "0 of them"/],
    ['of over ten explanations', new Array(11).fill(one), /1 to 10/],
    ['of different photos', [one, { ...one, photo: { width: 9, height: 9 } }], /different sizes/],
  ])('%s', (_, patches, message) => {
    expect(() => patchPages(patches)).toThrow(message)
  })

  it('with colours that are not there', () => {
    expect(() => patchPages([one], { alpha: 2 })).toThrow(/alpha is 2/)
  })
})
