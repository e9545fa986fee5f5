/**
 * The gradient graph of every model in ONNX Runtime against PyTorch's autograd in float64 on the same graph: at the
 * image and at the target layer that is chosen, of each image's argmax class. Errors are relative to the largest entry.
 *   bench/gradients/export.py && bench/gradients/styles.py
 *   node bench/gradients/check.mjs [--model FILE]... [--json bench/results/gradients.json]
 * Without --model: everything in .cache/gradients/ and shared/models/. With --json, rows of other models are kept.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Device } from '../../dist/native.js'
import { benchArguments, report, root, shared } from '../measure.mjs'
import { openClassifier, runGradients, runWatched } from './open.mjs'

const TOLERANCE = 1e-4
/** Images at once; models that take one are checked with one. */
const IMAGES = 2

/** Operators whose slope jumps somewhere, and so depends on the last bit of their input. */
const BENT = new Set(
  `Abs Clip GlobalMaxPool HardSigmoid HardSwish LeakyRelu Max MaxPool Min PRelu ReduceMax ReduceMin Relu`.split(/\s+/),
)

const cache = join(root, '.cache/gradients')
const inFolder = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map((name) => join(folder, name))
const { models, threads, json } = benchArguments({ models: undefined, trials: 1 })
const device = new Device({ type: 'cpu', threads })

/** Values as preprocessing would give them, the same each time (Mulberry32, two to a normal one). */
function randomImages(count) {
  let state = 11
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  )
}

/** Float64 gradients and classes, with every bend on the side where ONNX Runtime's float32 is. */
async function referenceOf(path, classifier, { x, shape }) {
  const { graph, inputName, logits, layer, shapes } = classifier
  const read = graph.nodes.filter(({ opType }) => BENT.has(opType)).flatMap(({ input }) => input)
  const names = [...new Set(read)].filter((name) => graph.producers.has(name) && isPerImage(shapes.get(name)))
  const tensors = [inputName, layer.name]
  const watch = { tensors, watched: names, images: x, rows: shape[0], threads }
  const values = await runWatched(device, classifier, watch)
  const folder = mkdtempSync(join(tmpdir(), 'sess-gradients-'))
  try {
    const bends = names.map((name, i) => ({ name, file: `${i}.f32`, shape: [shape[0], ...values[i].lengths] }))
    for (const [i, { data }] of values.entries()) writeFileSync(join(folder, `${i}.f32`), data)
    writeFileSync(join(folder, 'x.f32'), x)
    const request = { model: resolve(path), input: inputName, logits, layer: layer.name, shape, bends }
    writeFileSync(join(folder, 'request.json'), JSON.stringify(request))
    const script = fileURLToPath(new URL('reference.py', import.meta.url))
    const classes = JSON.parse(execFileSync(script, [folder], { encoding: 'utf8' }))
    const read = (name) => new Float64Array(new Uint8Array(readFileSync(join(folder, `${name}.f64`))).buffer)
    return { classes, input: read('input'), layer: read('layer') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Whether only the first axis grows with the batch, and by one for each image. */
function isPerImage(facts) {
  const [first, ...rest] = facts?.dims ?? []
  return facts?.dtype === 'float32' && first !== undefined && rest.every((dim) => typeof dim === 'number')
}

/** The largest difference over the image's largest entry. */
function errorOf(gradient, reference, images) {
  if (reference.length !== gradient.length) throw new Error('the reference has another shape')
  const each = gradient.length / images
  const errors = Array.from({ length: images }, (_, image) => {
    let [largest, worst] = [0, 0]
    for (let i = image * each; i < (image + 1) * each; i++) {
      largest = Math.max(largest, Math.abs(reference[i]))
      worst = Math.max(worst, Math.abs(gradient[i] - reference[i]))
    }
    if (largest === 0) throw new Error('the gradient is 0 everywhere: the model proves nothing')
    return worst / largest
  })
  return Math.max(...errors)
}

async function checkModel(path, row) {
  const classifier = await openClassifier(device, path)
  const { layer, inputName, opset, batch, layout, height, width } = classifier
  Object.assign(row, { opset, batch })
  if (layer === undefined) throw new Error('no target layer')
  Object.assign(row, { layer: layer.name, shape: [layer.channels, layer.height, layer.width].join(' x ') })
  const images = batch === 'fixed' ? 1 : IMAGES
  const shape = layout === 'NCHW' ? [images, 3, height, width] : [images, height, width, 3]
  const x = randomImages(images * 3 * height * width)
  const { classes, ...reference } = await referenceOf(path, classifier, { x, shape })
  // The first image is asked for its own argmax, the second for that class by its index
  const asked = classes.map((index, image) => (image === 0 ? -1 : index))
  const tensors = [inputName, layer.name]
  const { added, gradients } = await runGradients(device, classifier, { tensors, images: x, classes: asked, threads })
  const [atInput, atLayer] = gradients
  const errors = [errorOf(atInput, reference.input, images), errorOf(atLayer, reference.layer, images)]
  const result = errors.every((error) => error <= TOLERANCE) ? 'ok' : 'WRONG'
  Object.assign(row, { added, 'error at image': errors[0], 'error at layer': errors[1], result })
}

const keyOf = ({ model, opset }) => `${model} ${opset}`
const rows = new Map()
if (json !== undefined && existsSync(json)) {
  for (const row of JSON.parse(readFileSync(json, 'utf8')).rows) rows.set(keyOf(row), row)
}
for (const path of models ?? [...inFolder(cache), ...inFolder(shared('models'))]) {
  const row = { model: basename(path, '.onnx').replace(/-\d{1,2}$/, '') }
  try {
    await checkModel(path, row)
  } catch (error) {
    row.result = error.message.split('\n')[0]
  }
  rows.set(keyOf(row), row)
  console.log(JSON.stringify(row))
}
report(`gradients against float64, tolerance ${TOLERANCE}`, [...rows.values()], json)
process.exitCode = [...rows.values()].every(({ result }) => result === 'ok') ? 0 : 1
