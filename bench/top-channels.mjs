/**
 * What Score-CAM loses when it asks only about the channels of the largest variance: share of a map's energy inside the
 * target's box on the reference mosaics, correlation with the map of all channels, and forward passes, alone (`sess: false`).
 *   node bench/top-channels.mjs [--model FILE] [--count 10] [--threads 2] [--json bench/results/top-channels.json]
 * `--count`: pictures of each kind.
 */
import { parseArgs } from 'node:util'
import { Explainer } from '../dist/index.js'
import { median, report, shared } from './measure.mjs'
import { energyInside, sharedMosaics } from './mosaic-pictures.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: shared('models/mobilenet-v1-075-224.onnx') },
    count: { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
})

function correlation(a, b) {
  const centred = (list) => {
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length
    return list.map((value) => value - mean)
  }
  const [x, y] = [centred(Array.from(a)), centred(Array.from(b))]
  const dot = (p, q) => p.reduce((sum, value, i) => sum + value * q[i], 0)
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))
}

const explainer = await Explainer.load(values.model, { threads: Number(values.threads) })
const all = sharedMosaics(explainer.info.labels)
const pictures = [...new Set(all.map(({ kind }) => kind))].flatMap((kind) =>
  all.filter((picture) => picture.kind === kind).slice(0, Number(values.count)),
)
const maps = []
for (const { image, target } of pictures) {
  maps.push(await explainer.explain(image, { method: 'score-cam', target, sess: false }))
}
const channels = explainer.plan({ height: 224, width: 224 }, { method: 'score-cam', sess: false }).forwards - 1
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length
const rowOf = (name, explained) => ({
  model: explainer.info.model,
  channels: name,
  pictures: explained.length,
  'energy inside': mean(explained.map(({ map }, i) => energyInside(map, pictures[i].box))),
  'correlation with all': mean(explained.map(({ map }, i) => correlation(map.data, maps[i].map.data))),
  'lowest correlation': Math.min(...explained.map(({ map }, i) => correlation(map.data, maps[i].map.data))),
  passes: median(explained.map(({ forwards }) => forwards)),
})
const rows = [rowOf(`all ${channels}`, maps)]
for (const topChannels of [256, 128, 64, 32, 16, 8].filter((count) => count < channels)) {
  const explained = []
  for (const { image, target } of pictures) {
    explained.push(await explainer.explain(image, { method: 'score-cam', target, sess: false, topChannels }))
  }
  rows.push(rowOf(String(topChannels), explained))
}
const gradCam = []
for (const { image, target } of pictures) gradCam.push(await explainer.explain(image, { target, sess: false }))
rows.push(rowOf('Grad-CAM', gradCam))
await explainer.dispose()
report('Score-CAM with some of its channels, on mosaics', rows, values.json)
