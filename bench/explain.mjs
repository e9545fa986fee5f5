/**
 * `explain` against the bare model, in one run: wall time of an explanation (both.png, 12 scales, 122 windows, map in
 * memory) over a bare forward of the same patches at its best batch size with the same threads. Trials alternate.
 * `explain ms` and `ratio` are of a named class, whose base view goes through with the last windows; `top-1 ms` and
 * `top-1 ratio` of the default, which finds that class: the base view is then a pass of its own, and is waited for.
 *   node bench/explain.mjs [--model FILE]... [--device cuda] [--precision tf32|fp16] [--threads 2] [--trials 9] [--json FILE]
 */
import { Explainer } from '../dist/index.js'
import { openBare } from './bare.mjs'
import { benchArguments, median, report, shared } from './measure.mjs'

const { models, device, precision, threads, trials, json } = benchArguments({
  models: [shared('models/mobilenet-v1-075-224.onnx')],
  trials: 9,
})
const batchSizes = device === 'cpu' ? [1, 2, 4, 8, 16] : [8, 16, 32, 64, 128]
const photo = shared('golden/images/both.png')

async function benchModel(model) {
  const loadStart = performance.now()
  const explainer = await Explainer.load(model, { device, precision, threads })
  const load = performance.now() - loadStart
  const bare = await openBare(explainer, photo, {}, threads, precision)
  const byBatch = []
  for (const size of batchSizes) {
    const batches = bare.batchesOf(size)
    await bare.pass(batches)
    byBatch.push({
      size,
      batches,
      ms: median([await bare.pass(batches), await bare.pass(batches), await bare.pass(batches)]),
    })
  }
  const best = byBatch.reduce((a, b) => (b.ms < a.ms ? b : a))
  const [{ index: target }] = await explainer.classify(photo, { top: 1 })
  await explainer.explain(photo, { target })
  await explainer.explain(photo)
  const measured = []
  for (let i = 0; i < trials; i++) {
    const bareMs = await bare.pass(best.batches)
    const { timings, plan } = await explainer.explain(photo, { target })
    const { timings: top1 } = await explainer.explain(photo)
    measured.push({ bareMs, ...timings, batch: plan.batch, top1Ms: top1.total })
  }
  await explainer.dispose()
  const of = (pick) => median(measured.map(pick))
  return {
    model: explainer.info.model,
    device: explainer.info.device.type,
    precision,
    windows: bare.plan.windows.length,
    'bare ms': of((p) => p.bareMs),
    'bare batch': best.size,
    'explain ms': of((p) => p.total),
    batch: measured[0].batch,
    'windows/s': of((p) => (1000 * bare.plan.windows.length) / p.total),
    'photos/s': of((p) => 1000 / p.total),
    ratio: of((p) => p.total / p.bareMs),
    'top-1 ms': of((p) => p.top1Ms),
    'top-1 ratio': of((p) => p.top1Ms / p.bareMs),
    'inference ms': of((p) => p.inference),
    'all else ms': of((p) => p.total - p.inference),
    decode: of((p) => p.decode),
    pyramid: of((p) => p.pyramid),
    gather: of((p) => p.gather),
    reduce: of((p) => p.reduce),
    fuse: of((p) => p.fuse),
    smooth: of((p) => p.smooth),
    'load ms': load,
  }
}

const rows = []
for (const model of models) rows.push(await benchModel(model))
report(`explain over the bare model, ${threads} threads, medians of ${trials} trials`, rows, json)
