import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Comparison, Explainer, type Explanation, type LayerMaps } from '../../src/index.ts'
import { chromiumMissing, Reports } from './chromium.ts'
import { explainedCup } from './explained.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const wide = { width: 1280, height: 900 }
const phone = { width: 360, height: 740 }

interface Finding {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

describe.skipIf(chromiumMissing)(`a report for everyone${chromiumMissing ? `: ${chromiumMissing}` : ''}`, () => {
  let explainer: Explainer
  let explanation: Explanation
  let comparison: Comparison
  let maps: LayerMaps
  let reports: Reports
  beforeAll(async () => {
    explainer = await Explainer.load()
    explanation = await explainedCup(explainer)
    comparison = await explainer.compare('docs/photos/both.jpg', { methods: ['grad-cam', 'gradient'], scales: [90] })
    maps = await explainer.layers('docs/photos/both.jpg')
    reports = await Reports.start()
  })
  afterAll(async () => {
    await reports?.stop()
    await explainer?.dispose()
  })

  describe.each([
    ['an explanation', async () => explanation.report({ objects: await explanation.objects() })],
    ['a comparison', async () => comparison.report({ command: 'sess compare photo.jpg' })],
    ['layers', async () => maps.report()],
  ] as const)('of %s', (_, make) => {
    it.each([
      ['light', wide],
      ['dark', wide],
      ['light', phone],
      ['dark', phone],
    ] as const)('has no fault that axe finds: %s, %j', async (colorScheme, viewport) => {
      // The policy of the page would not let the checker in; what is checked is the same
      const { page, complaints } = await reports.open(await make(), { colorScheme, viewport, bypassCSP: true })
      const choice = page.locator('tbody button').first()
      if ((await choice.count()) > 0) await choice.click()
      await page.evaluate(axe)
      const { violations } = await page.evaluate<{ violations: readonly Finding[] }>('axe.run()')
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`),
      )
      expect(found).toEqual([])
      expect(complaints).toEqual([])
      await page.close()
    })

    it.each([phone, { width: 320, height: 600 }, wide])('is never wider than the screen: %j', async (viewport) => {
      const { page } = await reports.open(await make(), { viewport })
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width)
      await page.close()
    })
  })

  it('is light or dark as chosen, whatever the system prefers', async () => {
    const { page } = await reports.open(explanation.report(), { colorScheme: 'dark' })
    const ground = async () => await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    expect(await ground()).toBe('rgb(22, 22, 26)')
    await page.getByLabel('Theme').selectOption('light')
    expect(await ground()).toBe('rgb(255, 255, 255)')
    await page.getByLabel('Theme').selectOption('dark')
    expect(await ground()).toBe('rgb(22, 22, 26)')
    await page.close()
  })

  it('moves nothing where motion is not wanted', async () => {
    const { page } = await reports.open(explanation.report(), { reducedMotion: 'reduce' })
    const durations = await page.evaluate<readonly string[]>(
      "[...document.querySelectorAll('*')].map((element) => getComputedStyle(element).transitionDuration)",
    )
    expect(new Set(durations)).toEqual(new Set(['0s']))
    await page.close()
  })

  it('copies the command, or selects it where pages may not copy', async () => {
    const { page } = await reports.open(explanation.report({ origin: { image: 'a b.jpg' } }))
    const command = await page.locator('.again code').first().innerText()
    expect(command).toMatch(/^sess explain .* 'a b.jpg'$/)
    await page.evaluate('navigator.clipboard.writeText = async (text) => { window.copied = text }')
    await page.getByRole('button', { name: 'Copy' }).click()
    expect(await page.locator('.again [role="status"]').innerText()).toBe('copied')
    expect(await page.evaluate<string>('window.copied')).toBe(command)
    await page.evaluate("navigator.clipboard.writeText = async () => { throw new Error('no') }")
    await page.getByRole('button', { name: 'Copy' }).click()
    expect(await page.evaluate<string>('getSelection().toString()')).toBe(command)
    await page.close()
  })

  it('gets to every control with the tab key, in the order of the page', async () => {
    const { page } = await reports.open(explanation.report())
    const names: string[] = []
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      names.push(
        await page.evaluate<string>(
          "((e) => e.labels?.[0]?.textContent || e.getAttribute('aria-label') || e.textContent)(document.activeElement)",
        ),
      )
    }
    expect(names).toEqual([
      expect.stringMatching(/^Theme/),
      'Photo under its map',
      'Opacity',
      'Divider',
      expect.stringMatching(/^Colours/),
      'Opacity by value',
      'Download the map (.npy)',
      expect.stringMatching(/^all/),
      'Table of windows',
      'Window',
      'Share',
      'Probability',
    ])
    await page.close()
  })
})
