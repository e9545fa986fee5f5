import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Comparison, Explainer, type LayerMaps } from '../../src/index.ts'
import { chromiumMissing, pixelsOf, Reports, slide } from './chromium.ts'
import { madeUp } from './explained.ts'

describe.skipIf(chromiumMissing)(`maps in a report${chromiumMissing ? `: ${chromiumMissing}` : ''}`, () => {
  let reports: Reports
  beforeAll(async () => {
    reports = await Reports.start()
  })
  afterAll(() => reports?.stop())

  it('that is reduced says so, and tells the mean of each square', async () => {
    const value = (y: number, x: number) => ((y * 7 + x * 3) % 50) / 50
    const { page, complaints } = await reports.open((await madeUp({ height: 1100, width: 1500, value })).report())
    expect(await page.locator('.download').innerText()).toContain('750 × 550 values, each the mean of 2 × 2 pixels')
    await page.getByRole('application').press('ArrowUp')
    const mean = (value(550, 750) + value(550, 751) + value(551, 750) + value(551, 751)) / 4
    const text = await page.locator('.readout').innerText()
    expect(text).toContain('at (750, 550) (mean of 2 × 2 pixels)')
    expect(Number(/value ([\d.e-]+) at/.exec(text)?.[1])).toBeCloseTo(mean, 4)
    expect(complaints).toEqual([])
  })

  it('that is zero everywhere is not painted, and the page says so', async () => {
    const { page } = await reports.open((await madeUp({ height: 40, width: 50, value: () => 0 })).report())
    await slide(page, 'Opacity', 100)
    const painted = await pixelsOf(page)
    await slide(page, 'Opacity', 0)
    expect(painted).toEqual(await pixelsOf(page))
    expect(await page.locator('.legend').innerText()).toContain('zero everywhere: nothing is painted')
  })

  it.each([
    [1, 1],
    [1, 700],
    [2000, 2],
  ])('of %i x %i can be pointed at', async (height, width) => {
    const value = (y: number, x: number) => (y + x + 1) / (height + width)
    const { page, complaints } = await reports.open((await madeUp({ height, width, value })).report())
    const [y, x] = [Math.floor(height / 2), Math.floor(width / 2)]
    await page.getByRole('application').press('ArrowLeft')
    const expected = Number(Math.fround(value(y, x)).toPrecision(4))
    expect(await page.locator('.readout').innerText()).toContain(`value ${expected} at (${x}, ${y})`)
    const box = await page.locator('.picture').boundingBox()
    expect(box?.width).toBeGreaterThan(20)
    expect(box?.height).toBeGreaterThan(20)
    expect(complaints).toEqual([])
  })

  it('with thousands of windows shows a page of them, and finds those at a place', async () => {
    const made = { height: 400, width: 600, value: () => 0.5, scales: [100, 200, 300, 400], step: 5 }
    const explanation = await madeUp(made)
    expect(explanation.windows.length).toBeGreaterThan(15_000)
    const { page, complaints } = await reports.open(explanation.report())
    expect(await page.locator('tbody tr').count()).toBe(25)
    expect(await page.locator('caption').innerText()).toBe(`1 to 25 of ${explanation.windows.length} windows`)
    await page.getByRole('application').press('ArrowLeft')
    await page.getByRole('application').press('Enter')
    const inside = explanation.windows.filter(
      ({ box }) => 300.5 >= box.x && 300.5 < box.x + box.width && 200.5 >= box.y && 200.5 < box.y + box.height,
    )
    expect(await page.locator('caption').innerText()).toContain(`of ${inside.length} windows`)
    await page.getByRole('button', { name: 'Probability' }).click()
    const sorted = inside
      .filter(({ probability }) => !Number.isNaN(probability))
      .sort((a, b) => b.probability - a.probability || a.index - b.index)
    expect(await page.locator('tbody th').first().innerText()).toBe(String(sorted[0]?.index))
    expect(complaints).toEqual([])
  })

  it('with windows that are not finite lists them last', async () => {
    const { page } = await reports.open(
      (await madeUp({ height: 300, width: 300, value: () => 0.5, scales: [200] })).report(),
    )
    for (const order of ['descending', 'ascending']) {
      await page.getByRole('button', { name: 'Probability' }).click()
      expect(await page.locator('[aria-sort]').getAttribute('aria-sort')).toBe(order)
      expect(await page.locator('tbody tr').first().innerText()).not.toContain('not finite')
    }
    const pages = page.getByRole('button', { name: 'Next' })
    while (await pages.isEnabled()) await pages.click()
    expect(await page.locator('tbody tr').last().innerText()).toContain('not finite')
  })

  describe('of a model', () => {
    let explainer: Explainer
    let comparison: Comparison
    let layers: LayerMaps
    beforeAll(async () => {
      explainer = await Explainer.load()
      const options = { methods: ['grad-cam', 'gradient'], scales: [90], steps: [40, 64], target: 'espresso' }
      comparison = await explainer.compare('docs/photos/coffee.png', options)
      layers = await explainer.layers('docs/photos/coffee.png', { target: 'espresso' })
    })
    afterAll(() => explainer?.dispose())

    it('are chosen one by one, with facts and values of their own', async () => {
      const { page, complaints, requests, url } = await reports.open(comparison.report({ title: 'coffee.png' }))
      const names = ['Grad-CAM, base', 'Grad-CAM, SESS, step 40', 'Grad-CAM, SESS, step 64', 'Gradient, base']
      expect((await page.locator('.map').allInnerTexts()).slice(0, 4)).toEqual(names)
      expect(await page.locator('.map').count()).toBe(comparison.cells.length)
      await page.getByRole('radio', { name: 'Grad-CAM, base' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.getByRole('application').press('ArrowUp')
      const cell = comparison.cells[1]
      const value = Number((cell?.map.data[200 * 600 + 300] ?? 0).toPrecision(4))
      expect(await page.locator('.readout').innerText()).toMatch(
        new RegExp(`^value ${value} at \\(300, 200\\), in \\d+ win`),
      )
      expect(await page.locator('.facts').innerText()).toContain(`${cell?.forwards}`)
      expect(await page.locator('caption').innerText()).toContain(`of ${cell?.windows.length} windows`)
      const heaviest = cell?.windows.reduce((top, window) => (window.weight > top.weight ? window : top))
      expect(await page.locator('tbody th').first().innerText()).toBe(String(heaviest?.index))
      expect(await page.locator('tbody tr').first().innerText()).toMatch(/\t-\t/)
      expect([complaints, requests]).toEqual([[], [url]])
    })

    it('lie side by side at the divider', async () => {
      const { page } = await reports.open(comparison.report())
      await page.getByRole('radio', { name: 'Gradient, base' }).check()
      const right = await pixelsOf(page)
      await page.getByRole('radio', { name: 'Grad-CAM, base' }).check()
      const left = await pixelsOf(page)
      await page.getByRole('radio', { name: 'Gradient, base' }).check()
      await page.getByLabel('Left of it').selectOption({ label: 'Grad-CAM, base' })
      await slide(page, 'Divider', 40)
      const both = await pixelsOf(page)
      for (const y of [0, 133, 399]) {
        const row = (pixels: typeof both, from: number, to: number) => [
          ...pixels.data.subarray(4 * (600 * y + from), 4 * (600 * y + to)),
        ]
        expect(row(both, 0, 240)).toEqual(row(left, 0, 240))
        expect(row(both, 240, 600)).toEqual(row(right, 240, 600))
      }
    })

    it('at layers have a marked one, and those that are refused say why', async () => {
      const some = layers.layers.map((one, i) =>
        i === 3 ? { kind: 'refused' as const, layer: one.layer, reason: 'no <b>way</b>' } : one,
      )
      Object.defineProperty(layers, 'layers', { value: some })
      const { page, complaints } = await reports.open(layers.report())
      expect(await page.locator('.map').count()).toBe(21)
      expect(await page.locator('.map').first().innerText()).toBe('▶ features')
      expect(await page.getByRole('listitem').innerText()).toContain('no <b>way</b>')
      expect(complaints).toEqual([])
    })
  })
})
