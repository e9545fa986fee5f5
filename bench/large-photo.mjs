/**
 * Large photos: what is neither decoding nor inference for 12 megapixels at the default plan, and plan, time and abort
 * of a 6000 x 4000 photo with step 56 (its memory: bench/memory.mjs).
 *   node bench/large-photo.mjs [--model FILE] [--threads 2] [--trials 3] [--json FILE]
 */
import { Explainer } from '../dist/index.js'
import { benchArguments, median, report, shared } from './measure.mjs'
import { noisePhoto } from './noise-photo.mjs'

const { models, threads, trials, json } = benchArguments({
  models: [shared('models/mobilenet-v1-075-224.onnx')],
  trials: 3,
})

const explainer = await Explainer.load(models[0], { threads })
const rows = []

const twelve = await noisePhoto(4000, 3000)
const runs = []
for (let i = 0; i < trials; i++) runs.push((await explainer.explain(twelve)).timings)
const of = (pick) => median(runs.map(pick))
rows.push({
  photo: '4000 x 3000',
  windows: explainer.plan({ width: 4000, height: 3000 }).windows.length,
  'neither decoding nor inference ms': of((t) => t.total - t.decode - t.inference),
  decode: of((t) => t.decode),
  inference: of((t) => t.inference),
  pyramid: of((t) => t.pyramid),
  gather: of((t) => t.gather),
  reduce: of((t) => t.reduce),
  fuse: of((t) => t.fuse),
  smooth: of((t) => t.smooth),
})

const large = await noisePhoto(6000, 4000)
const start = performance.now()
const { plan } = await explainer.explain(large, { step: 56 })
const seconds = (performance.now() - start) / 1000

const controller = new AbortController()
let abortedAt = 0
const aborted = explainer
  .explain(large, {
    step: 56,
    signal: controller.signal,
    onProgress: ({ done }) => {
      if (done < 40 || abortedAt > 0) return
      abortedAt = performance.now()
      controller.abort()
    },
  })
  .catch((error) => error.code)
const code = await aborted
rows.push({
  photo: '6000 x 4000, step 56',
  windows: plan.windows.length,
  seconds,
  'abort ms': performance.now() - abortedAt,
  'abort code': code,
})
await explainer.dispose()
report(`large photos, ${threads} threads`, rows, json)
