import { basename } from 'node:path'
import type { Explainer } from '../explainer.ts'
import type { Explanation } from '../explanation.ts'
import { writeAtomically } from '../io/atomic.ts'
import { decode } from '../io/decode.ts'
import { encodeFile, encodeJson } from '../io/json.ts'
import type { Photo } from '../io/photo.ts'
import { patchPages } from '../patch-pages.ts'
import { type Patches, shownCounts } from '../patches.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import { patchLayout } from '../render/patches-layout.ts'
import type { Origin } from '../report/run-again.ts'
import type { Timings } from '../sess/stopwatch.ts'
import { colourOptions } from './arguments.ts'
import { cheaperOptions } from './cheaper.ts'
import { type Context, note } from './context.ts'
import { onOneImage, type SheetOutput } from './one-image.ts'
import { OneModel } from './one-model.ts'
import { originOf } from './origin.ts'
import type { PatchesArguments } from './patches-arguments.ts'
import { patchesNumbers } from './patches-numbers.ts'
import { namedOutputs, type PatchesOutput, pagedOutputs } from './patches-outputs.ts'
import { patchesReport } from './patches-report.ts'
import { checkRuns, modelsOf, naming, type PlannedRun, planRuns } from './patches-runs.ts'
import { progressBar } from './progress.ts'

/** What one model and method gave; the maps only where a report shows them. */
export interface PatchesRun {
  readonly patches: Patches
  readonly info: Explainer['info']
  readonly nonfinite: readonly number[]
  readonly forwards: number
  readonly timings: Timings
  readonly explanation: Explanation | undefined
  readonly origin: Origin
}

/** `sess patches`: every window's map on the image, of several models and methods beside each other. */
export async function patches(input: string, options: PatchesArguments, context: Context): Promise<number> {
  checkRuns(options)
  const named = await namedOutputs(input, options)
  return await onOneImage(input, named, options, context, () => patchesOfImage(input, named, options, context))
}

async function patchesOfImage(
  input: string,
  named: readonly SheetOutput[],
  options: PatchesArguments,
  context: Context,
): Promise<void> {
  const { signal } = context
  const photo = await decode(input, { maxPixels: options.maxPixels, signal })
  const runs: PatchesRun[] = []
  await using models = new OneModel(options, context)
  const planned = await planRuns(models, photo, options)
  const layout = patchLayout(planned.map(({ plan }) => shownCounts(plan, options)))
  const outputs = await pagedOutputs(input, named, layout.pages.length, options)
  noteWindows(planned, input, options, context)
  for (const run of planned) {
    const work = async () => runOne(await models.load(run.model), photo, run, { input, outputs, options, context })
    runs.push(await naming(modelsOf(options), run.model, work))
  }
  const title = { title: basename(input), ...colourOptions(options) }
  const pages = patchPages(
    runs.map((run) => run.patches),
    title,
  )
  const numbers = await patchesNumbers(input, runs)
  for (const output of outputs) {
    if (output.kind === 'page') await pages[output.page]?.toFile(output.path, { signal })
    else if (output.kind === 'report')
      await patchesReport(input, runs, output.path, options)?.toFile(output.path, { signal })
    else await writeAtomically(output.path, encodeFile(numbers), { signal })
  }
  const paths = outputs.map(({ path }) => path)
  if (options.json) context.stdout.write(`${encodeJson({ ...numbers, outputs: paths })}\n`)
  for (const run of runs) note(context, options, `${input}: ${summary(run)}`)
  const count = pages.length === 1 ? '' : ` (${pages.length} pages)`
  note(context, options, `${input} -> ${paths.join(', ')}${count}`)
}

async function runOne(
  explainer: Explainer,
  photo: Photo,
  { model, method, options: asked }: PlannedRun,
  told: {
    readonly input: string
    readonly outputs: readonly PatchesOutput[]
    readonly options: PatchesArguments
    readonly context: Context
  },
): Promise<PatchesRun> {
  const { input, options, context } = told
  const { signal } = context
  const bar = progressBar(context, `${input}, ${model}, ${method}`, options, cheaperOptions([method], options))
  const run = { ...asked, signal, onProgress: bar.update }
  const explanation = await explainer.explain(photo, run).finally(bar.stop)
  const { nonfinite, forwards, timings } = explanation
  const { perScale } = options
  const isReported = told.outputs.some(({ kind }) => kind === 'report')
  return {
    explanation: isReported ? explanation : undefined,
    origin: originOf(input, { ...options, model }),
    patches: await explanation.patches({ perScale, signal }),
    info: explainer.info,
    nonfinite,
    forwards,
    timings,
  }
}

/** Each model's scales follow from its own window. */
function noteWindows(runs: readonly PlannedRun[], input: string, options: PatchesArguments, context: Context): void {
  const sizes = new Set(runs.map(({ plan: { window } }) => `${window.width} x ${window.height}`))
  if (sizes.size < 2) return
  note(context, options, `${input}: windows of ${[...sizes].join(' and ')} pixels: each model has its own scales`)
}

/** Who explained what, how much, and how many of the windows with the peak score high. */
function summary({ patches: { model, method, target, against, windows, robustness }, nonfinite }: PatchesRun): string {
  const { atPeak } = robustness
  const left = nonfinite.length === 0 ? '' : `, ${nonfinite.length} of them left out, not finite`
  const seen =
    robustness.peak === null
      ? 'the map is zero everywhere'
      : `of the windows with the peak ${atPeak.high} of ${atPeak.windows} score over half the best`
  const explained = `${explainedText(target, against)}, ${percentText(target.probability)}`
  return `${model}, ${method}: ${explained}, ${windows.length} windows${left}, ${seen}`
}
