/**
 * Writes cases for native/bench/gpu/gpu_explain, which needs no Node: graph, photo, plan and the map that the library
 * makes of it on the processor.
 *   node bench/gpu/cases.mjs OUT [--model NAME]... [--method NAME]... [--photo FILE] [--scales N] [--precision fp16]
 *                            [--no-goldens]
 * Without --no-goldens: the reference photos (SESS_SHARED) that run Grad-CAM, and some of other methods. With --model: the
 * photo under that model for its top-1, by each method; of Grad-CAM at the default scales, time over the bare model's has
 * a bound.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Explainer } from '../../dist/index.js'
import { goldenOptions } from '../golden-options.mjs'
import { shared } from '../measure.mjs'
import { CaseModel } from './case.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    model: { type: 'string', multiple: true, default: [] },
    method: { type: 'string', multiple: true, default: ['grad-cam'] },
    photo: { type: 'string' },
    scales: { type: 'string' },
    precision: { type: 'string', default: 'fp32' },
    goldens: { type: 'boolean', default: true },
  },
})
const [folder] = positionals
const { precision } = values
if (positionals.length !== 1 || !['fp32', 'fp16'].includes(precision)) {
  console.error('node bench/gpu/cases.mjs OUT [--model NAME]... [--precision fp16] [--no-goldens]; see its first lines')
  process.exit(2)
}
/** Most time of an explanation over the bare model's. */
const bound = 1.05
const ofOtherMethods = ['base_gradient', 'base_layercam', 'gradient_dogs_5', 'hirescam_dogs_5', 'layercam_dogs_5']
mkdirSync(folder, { recursive: true })

/** Opens `model`, gives it to `use` and closes it. */
async function withModel(model, use) {
  const opened = await CaseModel.open({ folder, model, precision })
  try {
    await use(opened)
  } finally {
    await opened.dispose()
  }
}

const written = new Set()

/** A case of each name: two models of one name would be one. */
async function writeCase(model, options) {
  if (written.has(options.name))
    throw new Error(`${options.name}: two cases have this name; write them into two folders`)
  written.add(options.name)
  const { name, windows, target } = await model.write(options)
  console.log(`${name}: ${windows} windows, class ${target}`)
}

async function writeGoldens() {
  const names = readdirSync(shared('golden'))
    .filter((file) => /^(base_gradcam|gradcam_.*)\.json$/.test(file))
    .map((file) => file.slice(0, -'.json'.length))
  await withModel(shared('models/mobilenet-v1-075-224.onnx'), async (model) => {
    for (const name of [...names, ...ofOtherMethods]) {
      const golden = JSON.parse(readFileSync(shared(`golden/${name}.json`), 'utf8'))
      const photo = shared(`golden/images/${golden.image}`)
      await writeCase(model, { name, photo, options: goldenOptions(golden.options) })
    }
  })
}

/** The class is the one that the library finds, so that models with random weights name it too. */
async function writeModel(model) {
  const photo = values.photo ?? shared('golden/images/both.png')
  const scales = values.scales === undefined ? {} : { scales: Number(values.scales) }
  const explainer = await Explainer.load(model, { device: 'cpu' })
  const [best] = await explainer.classify(photo, { top: 1 }).finally(() => explainer.dispose())
  await withModel(model, async (opened) => {
    for (const method of values.method) {
      const isBound = method === 'grad-cam' && values.scales === undefined
      const name = [opened.id, method, ...(values.scales === undefined ? [] : [`${values.scales}-scales`])].join('.')
      const options = { target: best.index, method, ...scales }
      await writeCase(opened, { name, photo, options, ...(isBound && { bound }) })
    }
  })
}

if (values.goldens) await writeGoldens()
for (const model of values.model) await writeModel(model)
