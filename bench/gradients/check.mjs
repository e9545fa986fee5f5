/**
 * The gradient graph of every model against PyTorch's autograd in float64 on the same graph: at the image and at the
 * target layer that is chosen, of each image's argmax class. Errors are relative to the largest entry of the image, over
 * the entries that stand still under noise of 1e-6 (`kinks`: the share that does not). For models that export.py
 * makes, `module` is the error at the image against the PyTorch module itself.
 *   bench/gradients/export.py && bench/gradients/styles.py
 *   node bench/gradients/check.mjs [--model FILE]... [--json bench/results/gradients.json]
 * Without --model: everything in .cache/gradients/ and shared/models/. With --json, rows of other models are kept.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Device } from '../../dist/native.js'
import { benchArguments, report, root, shared } from '../measure.mjs'
import { openClassifier, runGradients } from './open.mjs'

const TOLERANCE = 1e-4
/** What moves further than this share of the largest entry stands at a kink. */
const STILL = TOLERANCE / 10

const cache = join(root, '.cache/gradients')
const inFolder = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map((name) => join(folder, name))
const { models, threads, json } = benchArguments({ models: undefined, trials: 1 })
const device = new Device({ type: 'cpu', threads })

/** Float64 gradients of the graph, made once per model and layer. */
function referenceOf(path, classifier, images) {
  const folder = join(cache, basename(path, '.onnx'))
  const facts = join(folder, 'reference.json')
  const { logits, layer, height, width, layout } = classifier
  const known = existsSync(facts) && statSync(facts).mtimeMs > statSync(path).mtimeMs
  let reference = known ? JSON.parse(readFileSync(facts, 'utf8')) : undefined
  if (reference?.layer !== layer.name || reference.logits !== logits) {
    const shape = layout === 'NCHW' ? [images, 3, height, width] : [images, height, width, 3]
    const script = fileURLToPath(new URL('reference.py', import.meta.url))
    const printed = execFileSync(script, [path, folder, logits, layer.name, shape.join()], { encoding: 'utf8' })
    reference = { layer: layer.name, logits, classes: JSON.parse(printed).classes }
    writeFileSync(facts, JSON.stringify(reference))
  }
  const read = (name) => new Float64Array(new Uint8Array(readFileSync(join(folder, `${name}.f64`))).buffer)
  return {
    classes: reference.classes,
    x: new Float32Array(new Uint8Array(readFileSync(join(folder, 'x.f32'))).buffer),
    input: read('input'),
    layer: read('layer'),
    logits: read('logits'),
  }
}

/** The gradient of the PyTorch module that a model was exported from; undefined for other models. */
function moduleGradient(path) {
  const file = join(cache, basename(path, '.onnx').replace(/-\d+$/, ''), 'module.f64')
  return existsSync(file) ? new Float64Array(new Uint8Array(readFileSync(file)).buffer) : undefined
}

/** `reference`: the gradients of all images, then how far each moved under noise. */
function compare(gradient, reference, images) {
  const each = gradient.length / images
  if (reference.length !== 2 * gradient.length) throw new Error('the reference has another shape')
  let [error, kinks] = [0, 0]
  for (let image = 0; image < images; image++) {
    let [largest, worst] = [0, 0]
    for (let i = image * each; i < (image + 1) * each; i++) largest = Math.max(largest, Math.abs(reference[i]))
    for (let i = image * each; i < (image + 1) * each; i++) {
      if (reference[gradient.length + i] > STILL * largest) kinks++
      else worst = Math.max(worst, Math.abs(gradient[i] - reference[i]))
    }
    if (largest === 0) throw new Error('the gradient is 0 everywhere: the model proves nothing')
    error = Math.max(error, worst / largest)
  }
  return { error, kinks: kinks / gradient.length }
}

async function checkModel(path) {
  const classifier = await openClassifier(device, path)
  const { layer, inputName, opset, batch } = classifier
  const row = { model: basename(path, '.onnx').replace(/-\d+$/, ''), opset, batch }
  if (layer === undefined) throw Object.assign(new Error('no target layer'), { row })
  try {
    Object.assign(row, { layer: layer.name, shape: [layer.channels, layer.height, layer.width].join(' x ') })
    const images = batch === 'fixed' ? 1 : 2
    const tensors = [inputName, layer.name]
    const { x, classes, ...reference } = referenceOf(path, classifier, images)
    // The first image is asked for its own argmax, the second for that class by its index
    const asked = classes.map((index, image) => (image === 0 ? -1 : index))
    const { added, gradients } = await runGradients(device, classifier, { tensors, images: x, classes: asked, threads })
    const [atInput, atLayer] = gradients
    const input = compare(atInput, reference.input, images)
    const inner = compare(atLayer, reference.layer, images)
    const module = moduleGradient(path)
    const outer = module === undefined ? undefined : compare(atInput, module, images)
    return {
      ...row,
      added,
      'error at input': input.error,
      kinks: input.kinks,
      'error at layer': inner.error,
      'kinks at layer': inner.kinks,
      module: outer?.error,
      result: [input, inner, outer].every((found) => (found?.error ?? 0) <= TOLERANCE) ? 'ok' : 'WRONG',
    }
  } catch (error) {
    throw Object.assign(error, { row })
  }
}

const keyOf = ({ model, opset }) => `${model} ${opset}`
const rows = new Map()
if (json !== undefined && existsSync(json)) {
  for (const row of JSON.parse(readFileSync(json, 'utf8')).rows) rows.set(keyOf(row), row)
}
for (const path of models ?? [...inFolder(cache), ...inFolder(shared('models'))]) {
  let row
  try {
    row = await checkModel(path)
  } catch (error) {
    row = { model: basename(path, '.onnx').replace(/-\d+$/, ''), ...error.row, result: error.message.split('\n')[0] }
  }
  rows.set(keyOf(row), row)
  console.log(JSON.stringify(row))
}
report(`gradients against float64, tolerance ${TOLERANCE}`, [...rows.values()], json)
process.exitCode = [...rows.values()].every(({ result }) => result === 'ok') ? 0 : 1
