/**
 * How long the event loop is held while explanations run, and while they are asked about their windows and objects: perf_hooks' monitorEventLoopDelay at 1 ms resolution, delay
 * beyond the resolution itself.
 *   node bench/event-loop.mjs [--model FILE] [--threads 2] [--trials 5] [--json FILE]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Explainer } from '../dist/index.js'
import { benchArguments, report, shared } from './measure.mjs'
import { noisePhoto } from './noise-photo.mjs'

const { models, threads, trials, json } = benchArguments({
  models: [shared('models/mobilenet-v1-075-224.onnx')],
  trials: 5,
})
const resolution = 1
const explainer = await Explainer.load(models[0], { threads })

async function delays(work) {
  await work()
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  for (let i = 0; i < trials; i++) await work()
  histogram.disable()
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolution)
  return {
    'p50 ms': ms(histogram.percentile(50)),
    'p99 ms': ms(histogram.percentile(99)),
    'max ms': ms(histogram.max),
    samples: histogram.count,
  }
}

const both = shared('golden/images/both.png')
const airplane = shared('golden/images/airplane.png')
const large = await noisePhoto(4000, 3000)
const explained = await explainer.explain(large)
const explainedByMax = await explainer.explain(both, { fusion: 'max' })
const works = {
  'both.png, 122 windows': () => explainer.explain(both),
  'airplane.png 900 x 600, step 56': () => explainer.explain(airplane, { step: 56 }),
  'topWindows, 4000 x 3000': () => explained.topWindows(),
  'topWindows, both.png, fusion max': () => explainedByMax.topWindows(),
  'objects, 4000 x 3000': () => explained.objects(),
}
const rows = []
for (const [what, work] of Object.entries(works)) rows.push({ what, ...(await delays(work)) })
await explainer.dispose()
report(`event loop, ${threads} threads, ${trials} calls each`, rows, json)
