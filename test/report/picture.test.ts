import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer, type Explanation } from '../../src/index.ts'
import { type ColormapName, colormaps, colormapTable } from '../../src/render/colormaps.ts'
import { decodeNpy } from '../io/npy.ts'
import { type CanvasPixels, chromiumMissing, type OpenedReport, pixelsOf, Reports, slide } from './chromium.ts'
import { explainedCup } from './explained.ts'

describe.skipIf(chromiumMissing)(`the picture of a report${chromiumMissing ? `: ${chromiumMissing}` : ''}`, () => {
  let explainer: Explainer
  let explanation: Explanation
  let reports: Reports
  let opened: OpenedReport
  let photo: CanvasPixels
  beforeAll(async () => {
    explainer = await Explainer.load()
    explanation = await explainedCup(explainer)
    reports = await Reports.start()
    opened = await reports.open(explanation.report({ title: 'both.jpg' }))
    await slide(opened.page, 'Opacity', 0)
    photo = await pixelsOf(opened.page)
  })
  afterAll(async () => {
    await reports?.stop()
    await explainer?.dispose()
  })

  /** The largest difference between what is shown and the overlay's formula in columns [from, to). */
  function difference(
    shown: CanvasPixels,
    how: { alpha: number; colormap?: ColormapName; byValue?: boolean; range?: readonly [number, number] },
    [from, to]: readonly [number, number],
  ): number {
    const { data, width, height } = explanation.map
    const peak = data.reduce((most, value) => Math.max(most, value), 0)
    const [low, high] = how.range ?? [0, peak]
    const table = colormapTable(how.colormap ?? 'inferno')
    let largest = 0
    for (let y = 0; y < height; y++) {
      for (let x = from; x < to; x++) {
        const t = Math.min(1, Math.max(0, ((data[y * width + x] ?? 0) - low) / (high - low)))
        const a = how.byValue ? how.alpha * t : how.alpha
        for (let c = 0; c < 3; c++) {
          const v = photo.data[4 * (y * width + x) + c] ?? 0
          const mixed = v + a * ((table[3 * Math.round(255 * t) + c] ?? 0) - v)
          largest = Math.max(largest, Math.abs((shown.data[4 * (y * width + x) + c] ?? 0) - mixed))
        }
      }
    }
    return largest
  }

  it('at opacity 0 is the photo, at its own size', async () => {
    expect([photo.width, photo.height]).toEqual([640, 426])
    const data = await sharp('docs/photos/both.jpg').raw().toBuffer()
    // JPEG of a JPEG: near everywhere
    const mean = data.reduce((sum, v, i) => sum + Math.abs(v - (photo.data[4 * Math.floor(i / 3) + (i % 3)] ?? 0)), 0)
    expect(mean / data.length).toBeLessThan(3)
  })

  it.each([0.25, 0.6, 1])('at opacity %f is the overlay', async (alpha) => {
    await slide(opened.page, 'Opacity', 100 * alpha)
    expect(difference(await pixelsOf(opened.page), { alpha }, [0, 640])).toBeLessThanOrEqual(0.51)
  })

  it.each(colormaps)('has the colours of %s', async (colormap) => {
    await slide(opened.page, 'Opacity', 70)
    await opened.page.getByLabel('Colours').selectOption({ label: colormap })
    expect(difference(await pixelsOf(opened.page), { alpha: 0.7, colormap }, [0, 640])).toBeLessThanOrEqual(0.51)
    await opened.page.getByLabel('Colours').selectOption({ label: 'inferno' })
  })

  it('fades with the value where that is chosen', async () => {
    await opened.page.getByLabel('Opacity by value').check()
    await slide(opened.page, 'Opacity', 90)
    expect(difference(await pixelsOf(opened.page), { alpha: 0.9, byValue: true }, [0, 640])).toBeLessThanOrEqual(0.51)
    await opened.page.getByLabel('Opacity by value').uncheck()
  })

  it('is the photo left of the divider, and the overlay right of it', async () => {
    await slide(opened.page, 'Opacity', 80)
    await slide(opened.page, 'Divider', 25)
    const shown = await pixelsOf(opened.page)
    for (const x of [0, 80, 159]) {
      const at = 4 * (99 * 640 + x)
      expect([...shown.data.subarray(at, at + 4)]).toEqual([...photo.data.subarray(at, at + 4)])
    }
    expect(difference(shown, { alpha: 0.8 }, [160, 640])).toBeLessThanOrEqual(0.51)
    expect(difference(shown, { alpha: 0.8 }, [0, 160])).toBeGreaterThan(30)
    await slide(opened.page, 'Divider', 0)
  })

  it('starts with the colours that the report was made with', async () => {
    const report = explanation.report({ colormap: 'viridis', alpha: 0.4, opacity: 'by-value', range: [0.1, 0.5] })
    const { page } = await reports.open(report)
    const how = { alpha: 0.4, byValue: true, colormap: 'viridis', range: [0.1, 0.5] } as const
    expect(difference(await pixelsOf(page), how, [0, 640])).toBeLessThanOrEqual(0.51)
    expect(await page.locator('.ends').innerText()).toMatch(/^0\.1\s+0\.5$/)
    expect(await page.locator('.legend').innerText()).toContain('Colours run from 0.1 to 0.5')
  })

  const valueText = (x: number, y: number) =>
    String(Number((explanation.map.data[y * explanation.map.width + x] ?? Number.NaN).toPrecision(4)))

  it.each([
    [0, 0],
    [639, 425],
    [580, 345],
    [333, 7],
  ])('tells the value under the pointer at (%i, %i)', async (x, y) => {
    const { page } = opened
    const box = await page.locator('.picture canvas').boundingBox()
    if (box === null) throw new Error('no picture')
    await page.mouse.move(box.x + ((x + 0.5) / 640) * box.width, box.y + ((y + 0.5) / 426) * box.height)
    expect(await page.locator('.readout').innerText()).toContain(`value ${valueText(x, y)} at (${x}, ${y})`)
  })

  it('tells it by keyboard, and says so to screen readers', async () => {
    const { page } = opened
    const picture = page.getByRole('application')
    await picture.focus()
    await picture.press('ArrowRight')
    const status = page.getByRole('status').first()
    expect(await status.innerText()).toContain(`value ${valueText(320, 213)} at (320, 213)`)
    await picture.press('ArrowRight')
    await picture.press('ArrowUp')
    expect(await status.innerText()).toContain(`value ${valueText(321, 212)} at (321, 212)`)
    for (let i = 0; i < 30; i++) await picture.press('Shift+ArrowLeft')
    await picture.press('Shift+ArrowDown')
    expect(await status.innerText()).toContain(`value ${valueText(0, 244)} at (0, 244)`)
    const cross = await page.locator('.cross line').evaluateAll((lines) => lines.map((line) => line.getAttribute('x1')))
    expect(cross).toContain('0.5')
    await picture.press('Escape')
    expect(await page.locator('.cross line').count()).toBe(0)
    expect(await status.innerText()).toBe('')
  })

  it('gives its values as a file that NumPy reads', async () => {
    const waiting = opened.page.waitForEvent('download')
    await opened.page.getByRole('button', { name: 'Download the map' }).click()
    const download = await waiting
    expect(download.suggestedFilename()).toBe('both-jpg.espresso.npy')
    const { shape, data, descr } = decodeNpy(readFileSync(await download.path()))
    expect({ shape, descr }).toEqual({ shape: [426, 640], descr: '<f4' })
    expect(Buffer.from(data.buffer).equals(Buffer.from(explanation.map.data.slice().buffer))).toBe(true)
  })

  it('asks for nothing, and nothing complains', () => {
    expect(opened.complaints).toEqual([])
    expect(opened.requests.filter((url) => !url.startsWith('blob:'))).toEqual([opened.url])
  })
})
