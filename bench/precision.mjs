/**
 * What float16 and TF32 cost in accuracy: logits, top-1 and Grad-CAM maps of whole photos against float32, and how many
 * numbers of the gradient at the image are lost to 0. On the CPU, with every weight, activation and gradient that is
 * float16, or that TF32 multiplies, rounded to it (`rounding.mjs`) and sums in float32: what a GPU's own sums add to this
 * is not in it.
 * `noise`: the same differences in float32 where each value of the photo moves by up to half a grey level.
 *   node bench/precision.mjs [--precision fp16|tf32] [--model FILE]... [--photos 20] [--threads 2]
 *     [--json bench/results/precision.json]
 * Without --model: shared/models, and exports of .cache/gradients (bench/gradients/export.py; their weights are random).
 */
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { buildExplainModel } from '../dist/methods/explain-model.js'
import { methodByName } from '../dist/methods/index.js'
import { Device, Session, Stream, Tensor } from '../dist/native.js'
import { inHalf } from '../dist/onnx/half-range.js'
import { bilinearMatrix } from '../dist/onnx/interpolation.js'
import { openClassifier } from './gradients/open.mjs'
import { report, root, shared } from './measure.mjs'
import { seeded } from './mosaic-pictures.mjs'
import { multiplyingInTf32, rounding } from './rounding.mjs'

const { values } = parseArgs({
  options: {
    precision: { type: 'string', default: 'fp16' },
    model: { type: 'string', multiple: true },
    photos: { type: 'string', default: '20' },
    threads: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
})
const threads = Number(values.threads)
if (!['fp16', 'tf32'].includes(values.precision)) throw new Error('--precision is fp16 or tf32')
const inTf32 = values.precision === 'tf32'
/** Photos of which the gradient at the image is compared. */
const GRADIENTS = 5
const exports = ['resnet18', 'mobilenet_v2', 'efficientnet_b0', 'convnext_tiny', 'swin_t', 'vit_b_16']
const models = values.model ?? [
  ...['mobilenet-v1-075-224', 'mobilenet-v2-100-224'].map((name) => shared(`models/${name}.onnx`)),
  ...exports.map((name) => join(root, `.cache/gradients/${name}-17.onnx`)).filter(existsSync),
]
const device = new Device({ type: 'cpu', threads })

/** Photos stretched to the window, `v / 127.5 - 1`, in the model's layout. */
async function windowsOf({ height, width, layout }) {
  const folder = shared('data/eval')
  const files = readdirSync(folder).filter((name) => name.endsWith('.jpg'))
  return await Promise.all(
    files.slice(0, Number(values.photos)).map(async (file) => {
      const pixels = await sharp(join(folder, file))
        .resize(width, height, { fit: 'fill' })
        .removeAlpha()
        .raw()
        .toBuffer()
      const plane = height * width
      return Float32Array.from({ length: 3 * plane }, (_, i) => {
        const at = layout === 'NCHW' ? (i % plane) * 3 + Math.floor(i / plane) : i
        return pixels[at] / 127.5 - 1
      })
    }),
  )
}

/** Opens a method's graph, as `round` makes it: what it gives for one window and class (-1: the argmax). */
async function open(classifier, name, round = (bytes) => bytes) {
  const model = buildExplainModel(classifier, { method: methodByName(name), seeds: ['class'] })
  const { externalFolder } = model
  const folder = externalFolder === undefined ? {} : { externalFolder }
  const bytes = round(model.encode())
  const session = await Session.open(device, { model: bytes, ...folder, threads, optimization: 'all' })
  const { height, width, layout, classes } = classifier
  const [target] = model.targets
  const pixels = layout === 'NCHW' ? [3, height, width] : [height, width, 3]
  const lengths = { [model.logits]: [classes] }
  if (target.kind === 'cam') {
    lengths[target.features] = [target.channels, model.layer.height, model.layer.width]
    lengths[target.weights] = [target.channels]
  } else {
    lengths[target.gradient] = pixels
  }
  const outputs = Object.fromEntries(
    Object.entries(lengths).map(([output, shape]) => [output, new Tensor(device, 'float32', [1, ...shape])]),
  )
  const stream = new Stream(device)
  const run = async (image, chosen) => {
    const inputs = {
      [model.inputName]: Tensor.wrap(device, image, [1, ...pixels]),
      [model.seeds[0].classes]: Tensor.wrap(device, BigInt64Array.of(BigInt(chosen)), [1]),
    }
    await session.run(stream, { inputs, outputs, rows: 1 })
    const read = (output) => outputs[output].read()
    if (target.kind !== 'cam') return { gradient: read(target.gradient) }
    return {
      logits: read(model.logits),
      map: camOf(read(target.features), read(target.weights), model.layer, classifier),
    }
  }
  return { run, close: () => session.dispose() }
}

/** `norm(up(relu(sum_c w_c A_c)))` at the window's pixels. */
function camOf(features, weights, layer, { height, width }) {
  const cells = layer.height * layer.width
  const grid = Array.from({ length: cells }, (_, i) => {
    let sum = 0
    for (let c = 0; c < weights.length; c++) sum += weights[c] * features[c * cells + i]
    return Math.max(0, sum)
  })
  const [rows, columns] = [bilinearMatrix(layer.height, height), bilinearMatrix(layer.width, width)]
  const wide = Array.from({ length: layer.height }, (_, y) =>
    columns.map((taps) => taps.reduce((sum, tap, x) => sum + tap * grid[y * layer.width + x], 0)),
  )
  const up = rows.flatMap((taps) => columns.map((_, x) => taps.reduce((sum, tap, y) => sum + tap * wide[y][x], 0)))
  const [lowest, highest] = up.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
  return up.map((v) => (highest > lowest ? (v - lowest) / (highest - lowest) : 0))
}

const differences = (a, b) => Array.from(a, (value, i) => Math.abs(value - b[i]))
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length
const largest = (list) => list.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
const argmax = (list) => list.indexOf(list.reduce((a, b) => Math.max(a, b)))
const quantile = (list, q) => Float64Array.from(list).sort()[Math.min(list.length - 1, Math.floor(q * list.length))]

/** How two runs of one window differ, by what is reported of it. */
function camDifferences(got, expected) {
  const logits = largest(differences(got.logits, expected.logits)) / largest(expected.logits)
  const agrees = argmax(got.logits) === argmax(expected.logits) ? 1 : 0
  return { logits, agrees, map: differences(got.map, expected.map) }
}

function gradientDifferences(got, expected) {
  const there = expected.gradient.reduce((count, value) => count + (value !== 0 ? 1 : 0), 0)
  const lost = expected.gradient.filter((value, i) => value !== 0 && got.gradient[i] === 0).length / there
  const apart = mean(differences(got.gradient, expected.gradient)) / mean(expected.gradient.map(Math.abs))
  return { apart, lost }
}

const allFinite = (...lists) => lists.every((list) => list.every(Number.isFinite))

/** Runs `name` in float32, with rounding, and in float32 on noisy windows; `of` compares two results. */
async function differ(name, full, images, classes, of) {
  const exact = await open(full, name)
  const rounded = inTf32 ? await open(full, name, multiplyingInTf32) : await open(await inHalf(full), name, rounding)
  const found = { rounded: [], noise: [], nonfinite: 0, classes: [] }
  for (const [i, image] of images.entries()) {
    const expected = await exact.run(image, classes?.[i] ?? -1)
    const chosen = classes?.[i] ?? argmax(expected.logits)
    const got = await rounded.run(image, chosen)
    if (!allFinite(...Object.values(got))) found.nonfinite++
    const random = seeded(i)
    const noisy = await exact.run(
      image.map((value) => value + (random() - 0.5) / 127.5),
      chosen,
    )
    found.classes.push(chosen)
    found.rounded.push(of(got, expected))
    found.noise.push(of(noisy, expected))
  }
  exact.close()
  rounded.close()
  return found
}

async function compare(path) {
  const full = await openClassifier(device, path)
  const images = await windowsOf(full)
  const cams = await differ('grad-cam', full, images, undefined, camDifferences)
  const pixels = await differ('gradient', full, images.slice(0, GRADIENTS), cams.classes, gradientDifferences)
  const maps = (list) => list.flatMap(({ map }) => map)
  return {
    model: basename(path, '.onnx'),
    photos: images.length,
    logits: Math.max(...cams.rounded.map(({ logits }) => logits)),
    'top-1 agrees': mean(cams.rounded.map(({ agrees }) => agrees)),
    'map mean': mean(maps(cams.rounded)),
    'map 99.9 %': quantile(maps(cams.rounded), 0.999),
    gradient: mean(pixels.rounded.map(({ apart }) => apart)),
    'gradient lost to 0': mean(pixels.rounded.map(({ lost }) => lost)),
    'not finite': cams.nonfinite + pixels.nonfinite,
    'noise: logits': Math.max(...cams.noise.map(({ logits }) => logits)),
    'noise: map mean': mean(maps(cams.noise)),
    'noise: map 99.9 %': quantile(maps(cams.noise), 0.999),
    'noise: gradient': mean(pixels.noise.map(({ apart }) => apart)),
  }
}

const rows = []
for (const path of models) {
  rows.push(await compare(path))
  console.log(rows.at(-1))
}
report(`${inTf32 ? 'TF32' : 'float16'} against float32, on the CPU`, rows, values.json)
