import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer, type Explanation } from '../../src/index.ts'
import { chromiumMissing, type OpenedReport, Reports } from './chromium.ts'
import { explainedCup } from './explained.ts'

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

describe.skipIf(chromiumMissing)(`the windows of a report${chromiumMissing ? `: ${chromiumMissing}` : ''}`, () => {
  let explainer: Explainer
  let explanation: Explanation
  let reports: Reports
  let opened: OpenedReport
  beforeAll(async () => {
    explainer = await Explainer.load()
    explanation = await explainedCup(explainer)
    reports = await Reports.start()
    const objects = await explanation.objects({ threshold: 0.3, minShare: 0 })
    opened = await reports.open(explanation.report({ objects }))
  })
  afterAll(async () => {
    await reports?.stop()
    await explainer?.dispose()
  })

  const listed = async () => (await opened.page.locator('tbody th').allInnerTexts()).map(Number)
  const column = async (n: number) => await opened.page.locator(`tbody td:nth-of-type(${n})`).allInnerTexts()
  const sortBy = async (name: string) => await opened.page.getByRole('button', { name, exact: true }).click()
  const level = async (name: RegExp) => await opened.page.getByRole('radio', { name }).check()

  /** Where a rectangle of the photo is on the screen. */
  async function placed({ x, y, width, height }: Box): Promise<Box> {
    const canvas = await opened.page.locator('.picture canvas').boundingBox()
    if (canvas === null) throw new Error('no picture')
    const [scaleX, scaleY] = [canvas.width / 640, canvas.height / 426]
    return { x: canvas.x + x * scaleX, y: canvas.y + y * scaleY, width: width * scaleX, height: height * scaleY }
  }

  /** Where the elements are, without the width of their lines. */
  async function drawn(selector: string): Promise<readonly Box[]> {
    return await opened.page.evaluate<Box[]>(`
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
        [...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => {
          const own = element.getBBox()
          const at = element.getScreenCTM()
          return { x: at.e + own.x * at.a, y: at.f + own.y * at.d, width: own.width * at.a, height: own.height * at.d }
        }))`)
  }

  const near = (box: Box | undefined, other: Box) => {
    for (const key of ['x', 'y', 'width', 'height'] as const) expect(box?.[key]).toBeCloseTo(other[key], 1)
  }

  it('come with the largest share first, as many as a page holds', async () => {
    const top = await explanation.topWindows(25)
    expect(top.length).toBeGreaterThan(10)
    expect((await listed()).slice(0, top.length)).toEqual(top.map(({ index }) => index))
    expect((await column(1)).slice(0, 3)).toEqual(
      top.slice(0, 3).map(({ share }) => `${(100 * (share ?? 0)).toFixed(1)} %`),
    )
  })

  it.each<[string, 'probability' | 'weight']>([
    ['Probability', 'probability'],
    ['Weight', 'weight'],
  ])('are sorted by %s, both ways', async (name, key) => {
    const order = [...explanation.windows].sort((a, b) => b[key] - a[key] || a.index - b.index)
    await sortBy(name)
    expect(await opened.page.locator('[aria-sort]').getAttribute('aria-sort')).toBe('descending')
    expect(await listed()).toEqual(order.slice(0, 25).map(({ index }) => index))
    await sortBy(name)
    expect(await opened.page.locator('[aria-sort]').getAttribute('aria-sort')).toBe('ascending')
    const rising = [...explanation.windows].sort((a, b) => a[key] - b[key] || a.index - b.index)
    expect(await listed()).toEqual(rising.slice(0, 25).map(({ index }) => index))
  })

  it('are paged', async () => {
    await sortBy('Window')
    const all: number[] = []
    for (;;) {
      all.push(...(await listed()))
      const next = opened.page.getByRole('button', { name: 'Next' })
      if ((await next.count()) === 0 || (await next.isDisabled())) break
      await next.click()
    }
    expect(all).toEqual(explanation.windows.map(({ index }) => index))
  })

  it('of one level are listed and drawn where they are', async () => {
    await level(/^2:/)
    const ofLevel = explanation.windows.filter((window) => window.level === 2)
    expect(ofLevel.length).toBeGreaterThan(5)
    expect(await listed()).toEqual(ofLevel.map(({ index }) => index))
    const boxes = await drawn('svg rect.level')
    expect(boxes).toHaveLength(ofLevel.length)
    for (const [i, { box }] of ofLevel.entries()) near(boxes[i], await placed(box))
    await level(/^all/)
    expect(await drawn('svg rect.level')).toEqual([])
  })

  it('are chosen by mouse or keyboard: the box stands where the window looked', async () => {
    const { page } = opened
    const window = explanation.windows[7]
    if (window === undefined) throw new Error('no window')
    await page.locator('tbody tr').nth(7).click()
    near((await drawn('svg rect.chosen'))[0], await placed(window.box))
    expect(await page.locator('.detail').innerText()).toContain(`${(100 * window.probability).toFixed(1)} %`)
    const next = explanation.windows[9]
    if (next === undefined) throw new Error('no window')
    await page.getByRole('button', { name: '9', exact: true }).focus()
    await page.keyboard.press('Enter')
    near((await drawn('svg rect.chosen'))[0], await placed(next.box))
    // The focus stays, so that Enter takes the choice back
    await page.keyboard.press('Enter')
    expect(await drawn('svg rect.chosen')).toEqual([])
  })

  it('that contain a place are counted, and listed by a click', async () => {
    const { page } = opened
    const canvas = await placed({ x: 0, y: 0, width: 640, height: 426 })
    const on = { x: Math.round(canvas.x + 600), y: Math.round(canvas.y + 390) } // a click comes in whole pixels
    const x = Math.floor((640 * (on.x - canvas.x)) / canvas.width)
    const y = Math.floor((426 * (on.y - canvas.y)) / canvas.height)
    const inside = explanation.windows.filter(
      ({ box }) => x + 0.5 >= box.x && x + 0.5 < box.x + box.width && y + 0.5 >= box.y && y + 0.5 < box.y + box.height,
    )
    expect(inside.length).toBeGreaterThan(3)
    await page.mouse.click(on.x, on.y)
    expect(await page.locator('.readout').innerText()).toContain(`at (${x}, ${y}), in ${inside.length} windows`)
    expect(await listed()).toEqual(inside.map(({ index }) => index))
    await page.getByRole('button', { name: 'List all' }).click()
    expect(await listed()).toHaveLength(25)
  })

  it('lists those under the cross with Enter', async () => {
    const { page } = opened
    await page.getByRole('application').focus()
    await page.keyboard.press('Escape')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    expect(await page.locator('.filter').innerText()).toContain('(320, 213)')
    await page.keyboard.press('Escape')
    expect(await page.locator('.filter').innerText()).not.toContain('(320, 213)')
  })

  it('shows the window’s own map, from its least value to its largest', async () => {
    const { page } = opened
    await page.locator('tbody tr').first().click()
    const size = await page
      .locator('canvas.own')
      .evaluate((canvas) => [canvas.getAttribute('width'), canvas.getAttribute('height')])
    expect(size).toEqual(['8', '8'])
    expect(await page.locator('figcaption').allInnerTexts()).toContain(
      'its own map, 8 × 8, from its least value to its largest',
    )
  })

  it('draws the objects, numbered, until they are not wanted', async () => {
    const objects = await explanation.objects({ threshold: 0.3, minShare: 0 })
    const boxes = await drawn('svg rect.object.light')
    expect(boxes).toHaveLength(objects.length)
    for (const [i, { box }] of objects.entries()) near(boxes[i], await placed(box))
    expect(await opened.page.locator('svg text').allTextContents()).toEqual(objects.map((_, i) => String(i + 1)))
    await opened.page.getByLabel('Boxes of objects').uncheck()
    expect(await drawn('svg rect.object')).toEqual([])
  })

  it('asks for nothing, and nothing complains', () => {
    expect(opened.complaints).toEqual([])
    expect(opened.requests).toEqual([opened.url])
  })
})
