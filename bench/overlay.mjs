/**
 * Drawing a 12-megapixel overlay, caption included, over sharp's own composite and PNG encode of as many pixels: photo and
 * coloured map in memory, PNG in memory. Trials alternate.
 *   node bench/overlay.mjs [--threads 2] [--trials 5] [--json bench/results/overlay.json]
 */
import sharp from 'sharp'
import { Explainer } from '../dist/index.js'
import { colormapTable } from '../dist/render/colormaps.js'
import { benchArguments, median, report } from './measure.mjs'
import { noisePhoto } from './noise-photo.mjs'

const { threads, trials, json } = benchArguments({ models: [], trials: 5 })
const [width, height] = [4000, 3000]

const explainer = await Explainer.load('tiny200', { threads })
const photo = await noisePhoto(width, height)
const explanation = await explainer.explain(photo)
const pixels = await sharp(photo).raw().toBuffer()
const coloured = await colouredMap(explanation.map.data)

/** The map's colours at an opacity of 0.6, as sharp composes them. */
async function colouredMap(values) {
  const colors = colormapTable('inferno')
  const peak = values.reduce((top, value) => Math.max(top, value), 0)
  const rgba = new Uint8Array(4 * values.length)
  for (const [i, value] of values.entries()) {
    const at = 3 * Math.min(255, Math.floor((256 * value) / peak))
    rgba.set([colors[at], colors[at + 1], colors[at + 2], 153], 4 * i)
  }
  return rgba
}

async function timed(work) {
  const start = performance.now()
  const { length } = await work()
  return { ms: performance.now() - start, length }
}

const drawing = {
  'sharp: composite and encode': () =>
    sharp(pixels, { raw: { width, height, channels: 3 } })
      .composite([{ input: coloured, raw: { width, height, channels: 4 } }])
      .png()
      .toBuffer(),
  'overlay with caption': () => explanation.overlay().toBuffer('png'),
  'overlay with contours and caption': () => explanation.overlay({ contours: [0.5, 0.9] }).toBuffer('png'),
}
const runs = Object.fromEntries(Object.keys(drawing).map((what) => [what, []]))
for (let i = 0; i <= trials; i++) {
  for (const [what, work] of Object.entries(drawing)) {
    const run = await timed(work)
    if (i > 0) runs[what].push(run) // the first warms up
  }
}
await explainer.dispose()
const [own] = Object.values(runs)
const rows = Object.entries(runs).map(([what, done]) => ({
  what,
  ms: median(done.map(({ ms }) => ms)),
  ratio: median(done.map(({ ms }, i) => ms / own[i].ms)),
  'PNG MB': done[0].length / 1e6,
}))
report(`drawing ${width} x ${height}, ${threads} threads, medians of ${trials} trials`, rows, json)
