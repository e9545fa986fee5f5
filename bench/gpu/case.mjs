/** One explanation as files that native/bench/gpu/gpu_explain reads; native/bench/gpu/case.cc says what each line is. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { Call } from '../../dist/call.js'
import { Explainer } from '../../dist/index.js'
import { writeAtomically } from '../../dist/io/atomic.js'
import { decode } from '../../dist/io/decode.js'
import { writeNpy } from '../../dist/io/npy.js'
import { loadModel } from '../../dist/load.js'
import { buildExplainModel } from '../../dist/methods/explain-model.js'
import { buildForwardModel } from '../../dist/onnx/forward-model.js'
import { inHalf } from '../../dist/onnx/half-range.js'
import { classOf, copiesFor, fusionOptions, methodOf, planOf } from '../../dist/request.js'
import { bandsOf, overlapLittle } from '../../dist/sess/bands.js'
import { autoBatch } from '../../dist/sess/batch-size.js'
import { gridOf } from '../../dist/sess/explain-session.js'
import { scheduleOf } from '../../dist/sess/explain-windows.js'
import { windowsByLevel } from '../../dist/sess/plan.js'
import { selfContained } from './self-contained.mjs'

const usual = 'tolerance 0.999 0.0001'
/** Of methods that read the gradient at the image in few windows: a unit at its kink flips with the last bit. */
const kinks = 'tolerance 0.95 0.0005'
/** The smallest card that a batch is chosen for. */
const memoryBytes = 8 * 2 ** 30

/**
 * A model whose cases are written into one folder, and share graphs and photos there. Those are named by their content,
 * and always written: no file of another photo, or of an older graph, is taken for theirs.
 */
export class CaseModel {
  #folder
  /** Names of the graphs that are written, by what is added. */
  #graphs = new Map()
  #loaded
  #explainer
  #classifier
  #precision

  /** @param {{ folder: string, model: string, precision: 'fp32' | 'fp16' }} options */
  static async open({ folder, model, precision }) {
    const opened = new CaseModel()
    opened.#folder = folder
    opened.#precision = precision
    opened.#loaded = await loadModel(model, { device: 'cpu' })
    opened.#explainer = await Explainer.load(model, { device: 'cpu' })
    const { classifier } = opened.#loaded
    opened.#classifier = precision === 'fp16' ? await inHalf(classifier) : classifier
    return opened
  }

  get id() {
    return this.#loaded.resolved.id
  }

  async dispose() {
    await this.#explainer.dispose()
    await this.#loaded.sessions.dispose()
    this.#loaded.device.dispose()
  }

  /** The map is the library's, on the processor and in float32. `bound`: most time over the bare model's. */
  async write({ name, photo, options, bound }) {
    const loaded = this.#loaded
    const method = methodOf(options)
    const model = buildExplainModel(this.#classifier, { method, seeds: ['class'] })
    const [outputs] = model.targets
    const copies = copiesFor(loaded, options, model)
    if (copies.kind !== 'none') throw new Error(`${name}: ${method.name} asks about copies of windows`)
    const decoded = await decode(photo)
    const plan = planOf(loaded, decoded, options, 1)
    const fusion = fusionOptions(options, plan)
    const grid = gridOf(method, model, this.#classifier)
    const { chunks, scoresFirst } = scheduleOf(plan, { grid }, { targets: 1, copies }, [{ plan, fusion }])
    if (chunks.length > 1 || scoresFirst) throw new Error(`${name}: its maps are too many to be fused at once`)
    const { map, target } = await this.#explainer.explain(photo, options)
    const file = this.#precision === 'fp16' ? `${name}.fp16` : name
    const { classifier } = loaded
    const lines = [
      'sess-case 1',
      `name ${name}`,
      `precision ${this.#precision}`,
      `graph ${await this.#graph(method.name, model)}`,
      `bare ${await this.#graph('bare', buildForwardModel(this.#classifier))}`,
      `photo ${decoded.height} ${decoded.width} ${await this.#photo(photo, decoded)}`,
      `map ${target.index} ${file}.npy`,
      method.kind === 'pixels' && plan.windows.length < 20 ? kinks : usual,
      ...(bound === undefined ? [] : [`bound ${bound}`]),
      `image ${classifier.layout} ${model.inputName}`,
      `logits ${classifier.classes} ${loaded.activation} ${model.logits}`,
      `seed ${classOf(loaded, options.target)} ${model.seeds[0].classes}`,
      ...outputLines(outputs, grid),
      `pixels ${pixelNumbers(loaded.preprocessing)}`,
      ...planLines(plan, classifier.layout),
      `batch ${plan.batch} ${plan.batch === 1 ? 1 : autoBatch(classifier.shapes, { type: 'cuda', memoryBytes })}`,
      `fusion ${fusion.mode} ${fusion.theta} ${fusion.preFilter}`,
      ...(fusion.smoothing === undefined ? [] : [`smooth ${fusion.smoothing.size} ${fusion.smoothing.sigma}`]),
    ]
    const casePath = join(this.#folder, `${file}.case`)
    await rm(casePath, { force: true }) // no old case may stand beside the new map
    await writeNpy(join(this.#folder, `${file}.npy`), map)
    await writeAtomically(casePath, `${lines.join('\n')}\n`)
    return { name: file, windows: plan.windows.length, target: target.index }
  }

  /** The model with what a method adds, written once for all cases; the file's name. */
  async #graph(what, model) {
    const known = this.#graphs.get(what)
    if (known !== undefined) return known
    const half = this.#precision === 'fp16' ? '.fp16' : ''
    const name = await this.#writeNamed(`${this.id}.${what}${half}`, 'onnx', await selfContained(model))
    this.#graphs.set(what, name)
    return name
  }

  /** Its pixels without alpha, as they go into the pyramid; the file's name. */
  async #photo(path, decoded) {
    const call = new Call(this.#loaded.device, undefined)
    try {
      const pixels = await call.pixels(decoded)
      const name = await this.#writeNamed(basename(path, extname(path)), 'rgb', pixels.photo.data)
      pixels[Symbol.dispose]()
      return name
    } finally {
      call[Symbol.dispose]()
    }
  }

  async #writeNamed(stem, extension, data) {
    const hash = createHash('sha256').update(data).digest('hex').slice(0, 12)
    const name = `${stem}.${hash}.${extension}`
    await writeAtomically(join(this.#folder, name), data)
    return name
  }
}

function outputLines(outputs, grid) {
  if (outputs.kind === 'pixels') return [`gradient ${outputs.gradient}`]
  const { features, channels, rectify, weights } = outputs
  const cam = `cam ${channels} ${grid.height} ${grid.width} ${rectify} ${features}`
  return weights === undefined ? [cam] : [cam, `weights ${weights}`]
}

function pixelNumbers({ channels, scale, bias }) {
  return [...channels, ...scale, ...bias].join(' ')
}

/** Levels, and windows as the pipeline cuts them out. */
function planLines(plan, layout) {
  const { window, levels, antialias, baseWindow, image } = plan
  const lines = [
    `filter ${antialias ? 'antialias' : 'bilinear'}`,
    `window ${window.height} ${window.width}`,
    ...levels.map(({ height, width }) => `level ${height} ${width}`),
    `base ${baseWindow ?? -1}`,
  ]
  const at = ({ index, y, x }) => `at ${index} ${y} ${x}`
  for (const [level, windows] of windowsByLevel(plan).entries()) {
    if (layout === 'NCHW' && overlapLittle(windows.length, window, levels[level], image)) {
      lines.push(`patches ${level}`, ...windows.map(at))
      continue
    }
    for (const { rect, windows: inside } of bandsOf(level, windows, window)) {
      lines.push(`band ${level} ${rect.y} ${rect.x} ${rect.height} ${rect.width}`, ...inside.map(at))
    }
  }
  return lines
}
