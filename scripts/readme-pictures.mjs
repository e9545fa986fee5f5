/**
 * The pictures of README and docs, into docs/images/: Grad-CAM beside SESS for two classes, a captioned overlay, the
 * sheets of `sess compare` and `sess patches`, the objects of a map, and a report in Chromium. Needs no network.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import { Explainer, patchPages } from '../dist/index.js'
import { root } from './setup.mjs'

const photo = join(root, 'docs/photos/both.jpg')

const explainer = await Explainer.load()
mkdirSync(join(root, 'docs/images'), { recursive: true })
for (const [name, target] of [
  ['espresso', 'espresso'],
  ['cat', 'Egyptian cat'],
]) {
  const comparison = await explainer.compare(photo, { target, methods: ['grad-cam'] })
  const sheet = await comparison.sheet({ title: 'both.jpg' }).toBuffer('png')
  await sharp(sheet)
    .resize({ width: 1100 })
    .jpeg({ quality: 88 })
    .toFile(join(root, `docs/images/${name}.jpg`))
}

const captioned = (await explainer.explain(photo, { target: 'Egyptian cat' })).overlay({
  contours: [0.5, 0.9],
  beside: true,
})
await sharp(await captioned.toBuffer('png'))
  .jpeg({ quality: 86 })
  .toFile(join(root, 'docs/images/overlay.jpg'))

const compared = await explainer.compare(join(root, 'docs/photos/coffee.png'))
const sheet = await compared.sheet({ title: 'coffee.png' }).toBuffer('png')
await sharp(sheet).resize({ width: 1100 }).jpeg({ quality: 86 }).toFile(join(root, 'docs/images/compare.jpg'))

const explanation = await explainer.explain(photo, { target: 'espresso' })
const boxed = await explanation.overlay({ boxes: await explanation.objects() }).toBuffer('png')
await sharp(boxed).jpeg({ quality: 88 }).toFile(join(root, 'docs/images/objects.jpg'))

const patches = []
for (const method of ['grad-cam', 'layer-cam']) {
  const shown = await explainer.explain(photo, { target: 'Egyptian cat', scales: 5, method, keepMaps: true })
  patches.push(await shown.patches())
}
const [page] = patchPages(patches, { title: 'both.jpg' })
await sharp(await page.toBuffer('png'))
  .jpeg({ quality: 76 })
  .toFile(join(root, 'docs/images/patches.jpg'))

const folder = mkdtempSync(join(tmpdir(), 'sess-pictures-'))
const html = join(folder, 'report.html')
const origin = { image: 'both.jpg' }
await explanation.report({ title: 'both.jpg', objects: await explanation.objects(), origin }).toFile(html)
await sharp(await shownReport(html))
  .jpeg({ quality: 86 })
  .toFile(join(root, 'docs/images/report.jpg'))
rmSync(folder, { recursive: true })
await explainer.dispose()

/** A report with a window chosen, as Chromium shows it. */
async function shownReport(path) {
  const executablePath = process.env.SESS_CHROMIUM ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const tab = await browser.newPage({ viewport: { width: 1180, height: 780 } })
    await tab.goto(pathToFileURL(path).href)
    await tab.waitForSelector('html[data-state="ready"]')
    await tab.locator('tbody button').nth(4).click()
    await tab.locator('.picture').hover({ position: { x: 560, y: 390 } })
    return await tab.screenshot()
  } finally {
    await browser.close()
  }
}
