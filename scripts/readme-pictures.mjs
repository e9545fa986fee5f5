/**
 * The pictures of README and docs, into docs/images/: photo, Grad-CAM, SESS + Grad-CAM side by side, a captioned overlay,
 * the sheet of `sess compare`, the objects of a map, and a report in Chromium. Needs no network.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import { Explainer } from '../dist/index.js'
import { root } from './setup.mjs'

const height = 220
const gap = 6
const photo = join(root, 'docs/photos/both.jpg')

const explainer = await Explainer.load()
mkdirSync(join(root, 'docs/images'), { recursive: true })
for (const [name, target] of [
  ['espresso', 'espresso'],
  ['cat', 'Egyptian cat'],
]) {
  const overlayOf = async (sess) =>
    (await explainer.explain(photo, { target, sess })).overlay({ caption: false }).toBuffer('png')
  const panels = await Promise.all(
    [photo, await overlayOf(false), await overlayOf(true)].map((image) => sharp(image).resize({ height }).toBuffer()),
  )
  const { width } = await sharp(panels[0]).metadata()
  await sharp({
    create: { width: panels.length * (width + gap) - gap, height, channels: 3, background: 'white' },
  })
    .composite(panels.map((input, i) => ({ input, left: i * (width + gap), top: 0 })))
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

const comparison = await explainer.compare(join(root, 'docs/photos/coffee.png'))
const sheet = await comparison.sheet({ title: 'coffee.png' }).toBuffer('png')
await sharp(sheet).resize({ width: 1100 }).jpeg({ quality: 86 }).toFile(join(root, 'docs/images/compare.jpg'))

const explanation = await explainer.explain(photo, { target: 'espresso' })
const boxed = await explanation.overlay({ boxes: await explanation.objects() }).toBuffer('png')
await sharp(boxed).jpeg({ quality: 88 }).toFile(join(root, 'docs/images/objects.jpg'))

const folder = mkdtempSync(join(tmpdir(), 'sess-pictures-'))
const page = join(folder, 'report.html')
const origin = { image: 'both.jpg' }
await explanation.report({ title: 'both.jpg', objects: await explanation.objects(), origin }).toFile(page)
await sharp(await shownReport(page))
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
