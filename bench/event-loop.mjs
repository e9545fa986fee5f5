/**
 * How long the event loop is held while explanations run: perf_hooks' monitorEventLoopDelay at 1 ms resolution, delay
 * beyond the resolution itself.
 *   node bench/event-loop.mjs [--model FILE] [--threads 2] [--trials 5] [--json FILE]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Explainer } from '../dist/index.js'
import { benchArguments, report, shared } from './measure.mjs'

const { models, threads, trials, json } = benchArguments({
  models: [shared('models/mobilenet-v1-075-224.onnx')],
  trials: 5,
})
const resolution = 1
const explainer = await Explainer.load(models[0], { threads })

async function delays(photo, options) {
  await explainer.explain(photo, options)
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  for (let i = 0; i < trials; i++) await explainer.explain(photo, options)
  histogram.disable()
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolution)
  return {
    'p50 ms': ms(histogram.percentile(50)),
    'p99 ms': ms(histogram.percentile(99)),
    'max ms': ms(histogram.max),
    samples: histogram.count,
  }
}

const rows = [
  { what: 'both.png, 122 windows', ...(await delays(shared('golden/images/both.png'), {})) },
  { what: 'airplane.png 900 x 600, step 56', ...(await delays(shared('golden/images/airplane.png'), { step: 56 })) },
]
await explainer.dispose()
report(`event loop while explaining, ${threads} threads, ${trials} explanations each`, rows, json)
