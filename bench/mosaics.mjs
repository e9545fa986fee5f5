/**
 * Does the map of one class stay on its object where several are? Share of a map's energy inside the target's box,
 * Grad-CAM alone (`sess: false`) and with SESS, on mosaics of tiles that the model recognises by themselves (all cells
 * do, so the others distract), and on the mosaics of the reference data.
 *   node bench/mosaics.mjs [--model FILE] [--count 100] [--seed 1] [--variants] [--threads 2] [--json FILE]
 * `--variants`: also other scales, steps and smoothing.
 */
import { parseArgs } from 'node:util'
import { Explainer } from '../dist/index.js'
import { median, report, shared } from './measure.mjs'
import { backgrounds, energyInside, grid, seeded, sharedMosaics, small } from './mosaic-pictures.mjs'
import { classifyAll, heldOutTiles } from './tiles.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny200' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    variants: { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
})
const count = Number(values.count)
const threads = Number(values.threads)

/** Lengths of levels by their multiple of the window's 64 pixels. */
const times = (...factors) => ({ scales: factors.map((factor) => Math.round(64 * factor)) })
const line = (length, step) => times(...Array.from({ length }, (_, i) => 1 + i * step))
const variants = {
  'default (12 scales, to 4.1 windows)': {},
  '6 scales, to 2.4 windows': { scales: 6 },
  '12 fine scales, to 2.4 windows': line(12, 1 / 8),
  '6 coarse scales, to 4.1 windows': line(6, 0.63),
  '12 coarse scales, to 6.5 windows': line(12, 1 / 2),
  '6 scales of whole windows, to 6': line(6, 1),
  'step 32': { step: 32 },
  'smoothing 3 / 1.4': { smooth: { size: 3, sigma: 1.4 } },
  'no smoothing': { smooth: false },
}

async function shares(explainer, pictures, options) {
  const found = []
  for (const { image, target, box } of pictures) {
    const { map } = await explainer.explain(image, { target, ...options })
    found.push(energyInside(map, box))
  }
  return found
}

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length

/** Rows of one set of pictures: one a kind and variant. */
async function compare(explainer, set, pictures, tried) {
  const rows = []
  for (const kind of new Set(pictures.map((picture) => picture.kind))) {
    const ofKind = pictures.filter((picture) => picture.kind === kind)
    const base = await shares(explainer, ofKind, { sess: false })
    for (const [variant, options] of Object.entries(tried)) {
      const sess = await shares(explainer, ofKind, options)
      rows.push({
        set,
        kind,
        variant,
        pictures: ofKind.length,
        'base mean': mean(base),
        'SESS mean': mean(sess),
        'base median': median(base),
        'SESS median': median(sess),
        'SESS wins': mean(sess.map((share, i) => (share > base[i] ? 1 : 0))),
      })
    }
  }
  return rows
}

const tried = values.variants ? variants : Object.fromEntries(Object.entries(variants).slice(0, 1))
const rows = []

const tiny = await Explainer.load(values.model, { threads })
const tiles = await heldOutTiles()
const guesses = await classifyAll(tiny, tiles, 1)
const recognised = tiles.filter((tile, i) => guesses[i][0].index === tile.class)
console.log(`${recognised.length} of ${tiles.length} tiles are recognised by themselves`)
const photos = await backgrounds()
const random = seeded(Number(values.seed))
const drawn = [
  ...Array.from({ length: count }, () => grid(recognised, 2, random)),
  ...Array.from({ length: count }, () => grid(recognised, 3, random)),
  ...Array.from({ length: count }, () => small(recognised, photos, random)),
]
rows.push(...(await compare(tiny, 'tiny200, tiles', drawn, tried)))
rows.push(...(await compare(tiny, 'tiny200, reference', sharedMosaics(tiny.info.labels), tried)))
await tiny.dispose()

const mobilenet = await Explainer.load(shared('models/mobilenet-v1-075-224.onnx'), { threads })
const first = Object.fromEntries(Object.entries(tried).slice(0, 1))
rows.push(...(await compare(mobilenet, 'MobileNet, reference', sharedMosaics(mobilenet.info.labels), first)))
await mobilenet.dispose()

report('energy inside the box of the target', rows, values.json)
