/**
 * Reports: bytes, what making one takes, how long the event loop is held meanwhile, and when Chromium can be used with
 * it (median of the trials, each in a new browser's first page): a photo of 24 megapixels with the default plan, and one
 * with 2,000 windows and more.
 *   node bench/report.mjs [--trials 5] [--json FILE]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import { Explainer } from '../dist/index.js'
import { benchArguments, median, report, root, shared } from './measure.mjs'
import { noisePhoto } from './noise-photo.mjs'

const { models, trials, json, threads } = benchArguments({
  models: [shared('models/mobilenet-v1-075-224.onnx')],
  trials: 5,
})
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
const executablePath = process.env.SESS_CHROMIUM ?? '/usr/bin/chromium'
const folder = mkdtempSync(join(tmpdir(), 'sess-bench-report-'))
const large = { width: 4900, height: 4900 } // 24 megapixels, 122 windows
const enlarged = await sharp(join(root, 'docs/photos/both.jpg'))
  .resize({ ...large, fit: 'fill' })
  .jpeg({ quality: 90 })
  .toBuffer()

const cases = [
  ['24 MP, a photo', enlarged, {}],
  ['24 MP, noise', await noisePhoto(large.width, large.height), {}],
  ['0.3 MP', join(root, 'docs/photos/both.jpg'), {}],
  ['0.3 MP, step 40', join(root, 'docs/photos/both.jpg'), { step: 40 }],
]

const explainer = await Explainer.load(models[0], { threads })
const rows = []
for (const [name, photo, options] of cases) {
  const explanation = await explainer.explain(photo, options)
  const path = join(folder, `${rows.length}.html`)
  const held = monitorEventLoopDelay({ resolution: 1 })
  held.enable()
  const start = performance.now()
  await explanation.report({ objects: await explanation.objects() }).toFile(path)
  const made = performance.now() - start
  held.disable()
  const loads = []
  for (let i = 0; i < trials; i++) loads.push(await opened(path))
  rows.push({
    report: name,
    windows: explanation.windows.length,
    'MB (10^6 bytes)': statSync(path).size / 1e6,
    'made in ms': made,
    'event loop held, 99th percentile ms': held.percentile(99) / 1e6,
    'interactive after ms': median(loads.map(({ ready }) => ready)),
    'windows sorted and drawn ms': median(loads.map(({ sorted }) => sorted)),
    'map drawn ms': median(loads.map(({ drawn }) => drawn)),
  })
}
await explainer.dispose()
rmSync(folder, { recursive: true })
report(`HTML reports in Chromium, ${threads} threads`, rows, json)

/** Milliseconds from the page's request to its first use, of sorting its windows, and of drawing its map anew. */
async function opened(path) {
  const browser = await chromium.launch({ executablePath, args })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await page.goto(pathToFileURL(path).href)
    await page.waitForSelector('html[data-state="ready"]')
    return await page.evaluate(async () => {
      const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
      const timed = async (work) => {
        await painted()
        const start = performance.now()
        work()
        await painted()
        return performance.now() - start
      }
      const ready = performance.getEntriesByName('sess-ready')[0].startTime
      const sorted = await timed(() => document.querySelectorAll('.sort')[2].click())
      const slider = document.querySelector('#opacity')
      const drawn = await timed(() => {
        slider.value = 30
        slider.dispatchEvent(new Event('input'))
      })
      return { ready, sorted, drawn }
    })
  } finally {
    await browser.close()
  }
}
