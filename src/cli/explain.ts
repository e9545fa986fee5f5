import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { SalientObject } from '../evidence.ts'
import type { Explainer } from '../explainer.ts'
import type { Explanation } from '../explanation.ts'
import { checkWritable, writeAtomically } from '../io/atomic.ts'
import { imageSize } from '../io/decode.ts'
import { encodeJson, encodeNumbers, type Numbers, numbersData } from '../io/json.ts'
import { writeNpy } from '../io/npy.ts'
import { methodByName } from '../methods/index.ts'
import { drawsAtRandom } from '../methods/method.ts'
import { copiesWith } from '../methods/settings.ts'
import { checkExplainOptions, type ExplainOptions, explainDefaults } from '../options.ts'
import { printable } from '../printable.ts'
import { classText, percentText } from '../render/class-text.ts'
import { peakOf } from '../render/overlay.ts'
import type { Picture } from '../render/picture.ts'
import type { Report } from '../report/report.ts'
import type { EstimatedPlan } from '../sess/plan.ts'
import { versions } from '../versions.ts'
import { colourOptions, type ExplainArguments, scalesFor } from './arguments.ts'
import { cheaperOptions } from './cheaper.ts'
import { type Context, loadExplainer, note, reportFailure } from './context.ts'
import { combinedStatus, failureJson, stopsTheRun } from './failure.ts'
import { methodArguments } from './method-arguments.ts'
import { modelNumbers } from './model-numbers.ts'
import { originOf } from './origin.ts'
import { type InputOutputs, namesBundle, type Output, OutputFolders, planOutputs } from './outputs.ts'
import { progressBar } from './progress.ts'

/** `sess explain`: the saliency of each image, into files. */
export async function explain(inputs: readonly string[], options: ExplainArguments, context: Context): Promise<number> {
  const asked = checkExplainOptions(explainOptions(options)) // before a model is loaded for nothing
  const method = methodByName(asked.method ?? explainDefaults.method)
  if (options.seed !== undefined && !drawsAtRandom(copiesWith(method, asked))) {
    note(context, options, `--seed changes nothing: ${method.name} draws nothing at random.`)
  }
  const idle = withoutSess(options)
  if (idle.length > 0) note(context, options, `${idle.join(', ')} change nothing with --no-sess.`)
  const planned = await planOutputs(inputs, options)
  const failures: unknown[] = []
  const fail = (error: unknown, input: string) => {
    failures.push(error)
    reportFailure(context, options, error, input)
    if (options.json) context.stdout.write(`${failureJson(input, error)}\n`)
  }

  await using folders = new OutputFolders()
  if (!options.plan) await folders.make({ ...options, output: options.output.filter((path) => !namesBundle(path)) })
  const writable = options.plan ? planned : await withWritable(planned, fail)
  if (writable.length > 0) {
    const explainer = await loadExplainer(context, options)
    try {
      for (const outputs of writable) {
        try {
          if (options.plan) await printPlan(explainer, outputs.input, options, context)
          else await explainOne(explainer, outputs, options, context)
        } catch (error) {
          if (stopsTheRun(error)) throw error
          fail(error, outputs.input)
        }
      }
    } finally {
      await explainer.dispose()
    }
  }
  return combinedStatus(failures, inputs.length)
}

async function withWritable(planned: readonly InputOutputs[], fail: (error: unknown, input: string) => void) {
  const writable: InputOutputs[] = []
  for (const outputs of planned) {
    try {
      // A missing image is told as such, not as the missing folder of the output beside it.
      if (existsSync(outputs.input)) for (const output of outputs.perTarget.flat()) await checkPlace(output)
      writable.push(outputs)
    } catch (error) {
      fail(error, outputs.input)
    }
  }
  return writable
}

async function checkPlace({ kind, path }: Output): Promise<void> {
  if (kind === 'bundle') await (await import('../bundle/write.ts')).checkBundleWritable(path)
  else await checkWritable(path)
}

async function explainOne(
  explainer: Explainer,
  { input, perTarget }: InputOutputs,
  options: ExplainArguments,
  context: Context,
): Promise<void> {
  const { signal } = context
  const bar = progressBar(context, input, options, cheaperOptions([options.method ?? explainDefaults.method], options))
  let explanations: readonly Explanation[]
  try {
    explanations = await explainer.explain(input, {
      ...explainOptions(options, explainer),
      target: options.target.length === 0 ? ['top-1'] : options.target,
      signal,
      onProgress: bar.update,
    })
  } finally {
    bar.stop()
  }
  for (const [i, explanation] of explanations.entries()) {
    const outputs = perTarget[i] ?? []
    const objects = await objectsFor(explanation, options)
    // Only for those that want it: which windows carry the map takes as long as its fusion
    let made: Promise<Numbers> | undefined
    const numbers = () => {
      made ??= numbersOf(explainer, input, explanation, objects)
      return made
    }
    const { contours, beside, caption } = options
    const drawn = { ...colourOptions(options), contours, beside, caption, boxes: objects?.found }
    const picture = explanation.overlay(drawn)
    const report = (path: string) => {
      const origin = originOf(input, options, { objects: options.objects, output: path })
      const said = { title: basename(input), origin, info: explainer.info, objects: objects?.found }
      return explanation.report({ ...colourOptions(options), ...said })
    }
    for (const output of outputs) await write(output, { explanation, picture, numbers, report }, signal)
    if (options.json) {
      const data = numbersData(await numbers())
      context.stdout.write(`${encodeJson({ ...data, outputs: outputs.map(({ path }) => path) })}\n`)
    }
    note(
      context,
      options,
      `${input}: ${summary(explanation, options.against)}${counted(objects)} -> ${outputs.map(({ path }) => path).join(', ')}`,
    )
    if (!((await peakOf(explanation.map.data)) > 0)) note(context, options, `${input}: the map is zero everywhere`)
    const { nonfinite, windows } = explanation
    if (nonfinite.length > 0) {
      const what = `${nonfinite.length} of ${windows.length} windows left out: their logits or maps are not finite`
      note(context, options, `${input}: ${what}`)
    }
  }
}

/** What was said of windows and fusion although there are none. */
function withoutSess({ sess, scales, step, preFilter, theta, fusion, smooth, antialias }: ExplainArguments) {
  if (sess) return []
  const said = {
    '--scales': scales,
    '--step': step,
    '--pre-filter': preFilter,
    '--theta': theta,
    '--fusion': fusion,
    '--no-smooth': smooth ? undefined : smooth,
    '--no-antialias': antialias ? undefined : antialias,
  }
  return Object.entries(said).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
}

/** What the command line says besides what concerns the process. Without an explainer, scales are as they are written. */
function explainOptions(options: ExplainArguments, explainer?: Explainer): ExplainOptions {
  const { against, method, layer, step, preFilter, theta, fusion, smooth, sess, antialias, batch } = options
  const { maxWindows, maxPixels } = options
  const target = options.target.length === 0 ? undefined : options.target
  const scales = scalesFor(options.scales, explainer?.info.input)
  return {
    ...{ target, against, method, layer, scales, step, preFilter, theta, fusion, smooth, sess, antialias, batch },
    ...{ maxWindows, maxPixels },
    ...methodArguments(options),
  }
}

/** What an explanation is written as. */
interface Written {
  readonly explanation: Explanation
  readonly picture: Picture
  readonly numbers: () => Promise<Numbers>
  /** `path`: where it is to go, which it says itself. */
  readonly report: (path: string) => Report
}

async function write(
  { kind, path }: Output,
  { explanation, picture, numbers, report }: Written,
  signal: AbortSignal,
): Promise<void> {
  switch (kind) {
    case 'overlay':
      return await picture.toFile(path, { signal })
    case 'map':
      return await writeNpy(path, explanation.map, { signal })
    case 'numbers':
      return await writeAtomically(path, encodeNumbers(await numbers()), { signal })
    case 'report':
      return await report(path).toFile(path, { signal })
    case 'bundle':
      return await explanation.toBundle(path, { signal })
  }
}

/** What `--objects` asked for. */
interface FoundObjects {
  readonly threshold: number
  readonly found: readonly SalientObject[]
}

async function objectsFor(explanation: Explanation, { objects }: ExplainArguments): Promise<FoundObjects | undefined> {
  return objects === undefined
    ? undefined
    : { threshold: objects, found: await explanation.objects({ threshold: objects }) }
}

function counted(objects: FoundObjects | undefined): string {
  if (objects === undefined) return ''
  const { length } = objects.found
  return `, ${length} ${length === 1 ? 'object' : 'objects'}`
}

async function numbersOf(
  explainer: Explainer,
  input: string,
  explanation: Explanation,
  objects: FoundObjects | undefined,
): Promise<Numbers> {
  const { map, target, method, layer, options, plan, windows, nonfinite, forwards, timings } = explanation
  return {
    image: { name: input, width: map.width, height: map.height },
    model: { ...modelNumbers(explainer.info), layer, tokens: explanation.tokens },
    target,
    method,
    options,
    plan,
    windows,
    topWindows: await explanation.topWindows(),
    objectThreshold: objects?.threshold,
    objects: objects?.found,
    nonfinite,
    forwards,
    timings,
    versions: await versions(),
  }
}

/** Class, probability, how it was explained, and how long that took. */
function summary({ target, method, layer, windows, timings }: Explanation, against: string | undefined): string {
  const explained = classText(target)
  const name = against === undefined ? explained : `${explained} minus ${against}`
  const seconds = (timings.total / 1000).toFixed(timings.total < 10_000 ? 2 : 0)
  return `${name}, ${percentText(target.probability)}, ${method} at ${layer}, ${windows.length} ${windows.length === 1 ? 'window' : 'windows'} in ${seconds} s`
}

async function printPlan(
  explainer: Explainer,
  input: string,
  options: ExplainArguments,
  context: Context,
): Promise<void> {
  const { signal } = context
  const size = await imageSize(input, { maxPixels: options.maxPixels, signal })
  const plan = explainer.plan(size, explainOptions(options, explainer))
  context.stdout.write(
    options.json ? `${encodeJson({ image: { name: input, ...size }, plan })}\n` : planText(input, plan),
  )
}

/** The plan for a reader: what a level costs. */
function planText(input: string, plan: EstimatedPlan): string {
  const { image, window, levels, windows, forwards, headForwards, batch, step, memory } = plan
  const rows = levels.map(({ height, width }, level) => {
    const count = windows.filter((w) => w.level === level).length
    return `  level ${String(level).padStart(2)}  ${`${width} x ${height}`.padEnd(13)}  ${count} windows`
  })
  const head = `${input}: ${image.width} x ${image.height} pixels, window ${window.width} x ${window.height}, step ${step[0]},${step[1]}`
  const total =
    `  ${windows.length} windows, ${forwards} forward passes${headForwards > 0 ? ` (${headForwards} of them only behind the target layer)` : ''} in batches of ${batch}; ` +
    `about ${Math.ceil(memory / 1e6)} MB besides the model`
  return [head, ...rows, total].map((line) => `${printable(line)}\n`).join('')
}
