/**
 * Methods that ask about masked copies, over bare forward passes of as many inputs at their best batch size, half of them
 * before and half after: wall time of an explanation of both.png, map in memory. Passes are counted as they run (flat masks are skipped). Then,
 * each in a process of its own, the peak memory over that of a process that only classified.
 *   node bench/masks.mjs [--model FILE]... [--threads 2] [--trials 5] [--json bench/results/masks.json]
 *   node bench/masks.mjs memory MODEL... > bench/results/masks-memory.json    only the memory, with few masks
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Explainer } from '../dist/index.js'
import { openBare } from './bare.mjs'
import { benchArguments, machine, median, report, shared } from './measure.mjs'

const self = fileURLToPath(import.meta.url)
const photo = shared('golden/images/both.png')
const cases = [
  { what: 'score-cam, one window', options: { method: 'score-cam', sess: false } },
  { what: 'group-cam, 5 scales', options: { method: 'group-cam', scales: 5 } },
  { what: 'ablation-cam, one window', options: { method: 'ablation-cam', sess: false } },
  { what: 'rise, 1000 masks', options: { method: 'rise', sess: false, masks: 1000 } },
  { what: 'occlusion, one window', options: { method: 'occlusion', sess: false } },
]
/** The buffers are those of any number of masks: they go by batches. */
const withFewMasks = [
  { method: 'score-cam', sess: false, topChannels: 40 },
  { method: 'group-cam', sess: false },
  { method: 'ablation-cam', sess: false },
  { method: 'rise', sess: false, masks: 60 },
  { method: 'rise', scales: 2, masks: 600 },
  { method: 'occlusion', sess: false, square: 112, stride: 56 },
]
const peakMb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024

async function benchModel(model, threads, trials) {
  const explainer = await Explainer.load(model, { threads })
  const bare = await openBare(explainer, photo, { scales: 5 }, threads)
  const byBatch = []
  for (const size of [4, 8, 16, 32]) {
    const batches = bare.batchesOf(size)
    await bare.pass(batches)
    const times = [await bare.pass(batches), await bare.pass(batches), await bare.pass(batches)]
    byBatch.push({ size, batches, ms: median(times) })
  }
  const best = byBatch.reduce((a, b) => (b.ms < a.ms ? b : a))
  const windows = bare.plan.windows.length
  const rows = []
  for (const { what, options } of cases) {
    const opened = await explainer.explain(photo, { target: 282, ...options })
    const half = Math.max(1, Math.round(opened.forwards / windows / 2))
    const barePasses = async () => {
      let ms = 0
      for (let k = 0; k < half; k++) ms += await bare.pass(best.batches)
      return ms / (half * windows)
    }
    const pairs = []
    for (let i = 0; i < trials; i++) {
      const before = await barePasses()
      const { timings, forwards } = await explainer.explain(photo, { target: 282, ...options })
      pairs.push({ ...timings, asked: forwards, bareMs: (before + (await barePasses())) / 2 })
    }
    const of = (pick) => median(pairs.map(pick))
    rows.push({
      model: explainer.info.model,
      what,
      passes: pairs[0].asked,
      'ms a bare pass': of((p) => p.bareMs),
      'explain ms': of((p) => p.total),
      'over bare passes': of((p) => p.total / (p.asked * p.bareMs)),
      'as many passes as': of((p) => p.total / p.bareMs),
      'outside inference %': of((p) => (100 * (p.total - p.inference)) / p.total),
      'peak MB above classify': peakAboveClassify(model, options, threads),
    })
  }
  await explainer.dispose()
  return rows
}

function peakAboveClassify(model, options, threads) {
  const peakOf = (role) =>
    Number(execFileSync(process.execPath, [self, role, model, JSON.stringify(options), `${threads}`]))
  return peakOf('explain') - peakOf('classify')
}

const [, , role, model, options, threadsText] = process.argv
if (role === 'explain' || role === 'classify') {
  const explainer = await Explainer.load(model, { threads: Number(threadsText) })
  await explainer.classify(photo)
  if (role === 'explain') await explainer.explain(photo, { target: 282, ...JSON.parse(options) })
  await explainer.dispose()
  console.log(peakMb())
} else if (role === 'memory') {
  const rows = process.argv.slice(3).flatMap((file) =>
    withFewMasks.map((asked) => ({
      model: basename(file, '.onnx'),
      ...asked,
      'peak MB above classify': Math.round(peakAboveClassify(file, asked, 2)),
    })),
  )
  console.log(JSON.stringify({ machine, rows }, null, 2))
} else {
  const { models, threads, trials, json } = benchArguments({
    models: [shared('models/mobilenet-v1-075-224.onnx')],
    trials: 5,
  })
  const rows = []
  for (const file of models) rows.push(...(await benchModel(file, threads, trials)))
  report(`masked copies over bare passes, ${threads} threads, medians of ${trials} pairs`, rows, json)
}
