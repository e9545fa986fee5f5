/**
 * What a gradient costs: batch 16 at 224, forward + gradient to the last feature map and to the image, over the forward
 * pass, and PyTorch's forward + backward to the image. Each graph runs at its own best number of threads; one round runs
 * all of them, and ratios are medians over rounds. Then, in a process of its own, what building the gradient graph takes
 * beside opening it: time, and peak memory above what the process held before.
 *   for m in resnet50 mobilenet_v2 vgg16 vgg16_pooled; do bench/models/export_torchvision.py $m .cache/models/$m.onnx; done
 *   node bench/gradients/speed.mjs [--model FILE]... [--threads 2] [--trials 9] [--json bench/results/gradient-speed.json]
 * `--threads` is the most that are tried. Nothing else should run meanwhile.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Device, Stream, Tensor } from '../../dist/native.js'
import { buildForwardModel } from '../../dist/onnx/forward-model.js'
import { buildGradientModel } from '../../dist/onnx/gradient-model.js'
import { benchArguments, median, report, root } from '../measure.mjs'
import { lengthsOf, openClassifier, openSession } from './open.mjs'

const BATCH = 16
const self = fileURLToPath(import.meta.url)
const peakMb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024

/** A graph open at one number of threads; `run` gives the ms of one pass over the batch. */
async function openTimed(device, classifier, model, outputs, threads) {
  const session = await openSession(device, model, threads)
  const stream = new Stream(device)
  const { height, width, inputName } = classifier
  const images = new Tensor(device, 'float32', [BATCH, 3, height, width])
  images.write(Float32Array.from({ length: BATCH * 3 * height * width }, (_, i) => Math.sin(i)))
  const inputs = { [inputName]: images }
  for (const { classes } of model.seeds ?? []) {
    inputs[classes] = Tensor.wrap(device, new BigInt64Array(BATCH).fill(-1n), [BATCH])
  }
  const tensors = Object.entries(outputs).map(([name, lengths]) => [
    name,
    new Tensor(device, 'float32', [BATCH, ...lengths]),
  ])
  const bindings = { inputs, outputs: Object.fromEntries(tensors), rows: BATCH }
  const run = async () => {
    const start = performance.now()
    await session.run(stream, bindings)
    return performance.now() - start
  }
  await run()
  return { run, dispose: () => session.dispose() }
}

/** The number of threads, up to `most`, at which the graph runs fastest, and the graph open at it. */
async function openBest(device, classifier, model, outputs, most) {
  const found = []
  for (let threads = 1; threads <= most; threads *= 2) {
    const graph = await openTimed(device, classifier, model, outputs, threads)
    const ms = median([await graph.run(), await graph.run(), await graph.run()])
    graph.dispose()
    found.push({ threads, ms })
  }
  const { threads } = found.reduce((a, b) => (b.ms < a.ms ? b : a))
  return { threads, ...(await openTimed(device, classifier, model, outputs, threads)) }
}

/** PyTorch in a process of its own; undefined where the model is none of torchvision's or Python lacks it. */
async function openTorch(name, threads) {
  const child = spawn(join(root, 'bench/gradients/torch_speed.py'), [name, BATCH, threads], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'ready') return undefined
  const run = async () => {
    child.stdin.write('\n')
    return Number((await lines.next()).value)
  }
  await run()
  return { run, dispose: () => child.stdin.end() }
}

async function benchModel(path, most, trials) {
  const device = new Device({ type: 'cpu', threads: most })
  const classifier = await openClassifier(device, path)
  const { layer, inputName, classes } = classifier
  const forward = buildForwardModel(classifier)
  const open = async (tensors) => {
    const model = buildGradientModel(classifier, { seeds: ['class'], tensors })
    const gradients = model.gradients[0].map((name, i) => [name, lengthsOf(classifier, tensors[i])])
    const outputs = { [model.logits]: [classes], ...Object.fromEntries(gradients) }
    return await openBest(device, classifier, model, outputs, most)
  }
  const name = basename(path, '.onnx')
  const graphs = {
    forward: await openBest(device, classifier, forward, { [forward.logits]: [classes] }, most),
    layer: await open([layer.name]),
    input: await open([inputName]),
    torch: await openTorch(name, most),
  }
  const rounds = []
  for (let i = 0; i < trials; i++) {
    const round = {}
    for (const [what, graph] of Object.entries(graphs)) round[what] = await graph?.run()
    rounds.push(round)
  }
  for (const graph of Object.values(graphs)) graph?.dispose()
  const of = (pick) => median(rounds.map(pick))
  return {
    model: name,
    layer: layer.name,
    threads: [graphs.forward, graphs.layer, graphs.input].map(({ threads }) => threads).join(' '),
    'forward ms': of(({ forward }) => forward),
    'to layer ms': of(({ layer }) => layer),
    'to image ms': of(({ input }) => input),
    'torch ms': graphs.torch && of(({ torch }) => torch),
    'to layer / forward': of(({ forward, layer }) => layer / forward),
    'to image / forward': of(({ forward, input }) => input / forward),
    'to image / torch': graphs.torch && of(({ input, torch }) => input / torch),
    ...JSON.parse(execFileSync(process.execPath, [self, 'build', path], { encoding: 'utf8' })),
  }
}

/** Building, and then opening, with the peak memory of the first. */
async function measureBuild(path) {
  const device = new Device({ type: 'cpu', threads: 1 })
  const before = peakMb()
  const start = performance.now()
  const classifier = await openClassifier(device, path)
  const tensors = [classifier.layer.name, classifier.inputName]
  const model = buildGradientModel(classifier, { seeds: ['class'], tensors })
  const bytes = model.encode()
  const built = performance.now()
  const peak = peakMb()
  const session = await openSession(device, { ...model, encode: () => bytes }, 1)
  const opened = performance.now()
  session.dispose()
  return {
    'build ms': built - start,
    'build peak MB': peak - before,
    'graph KB': bytes.length / 1024,
    'open ms': opened - built,
  }
}

if (process.argv[2] === 'build') {
  console.log(JSON.stringify(await measureBuild(process.argv[3])))
} else {
  const known = ['resnet50', 'mobilenet_v2', 'vgg16', 'vgg16_pooled'].map((name) =>
    join(root, `.cache/models/${name}.onnx`),
  )
  const { models, threads, trials, json } = benchArguments({
    models: known.filter((path) => existsSync(path)),
    trials: 9,
  })
  const most = Math.min(threads, availableParallelism())
  const rows = []
  for (const path of models) rows.push(await benchModel(path, most, trials))
  report(`gradients over the forward pass, batch ${BATCH}, medians of ${trials} rounds`, rows, json)
}
