import { invalidOption, SessError } from '../error.ts'
import type { Explainer } from '../explainer.ts'
import type { Photo } from '../io/photo.ts'
import { methodByName } from '../methods/index.ts'
import { refuseUnusedSettings, settingsOf } from '../methods/settings.ts'
import { checkExplainOptions, type ExplainOptions, explainDefaults } from '../options.ts'
import { mostBeside } from '../render/patches-layout.ts'
import type { EstimatedPlan } from '../sess/plan.ts'
import { scalesFor } from './arguments.ts'
import { methodArguments } from './method-arguments.ts'
import type { OneModel } from './one-model.ts'
import type { PatchesArguments } from './patches-arguments.ts'

type RunOptions = ExplainOptions & { readonly target: string }

/** One model and method of those that are shown beside each other. */
export interface PlannedRun {
  readonly model: string
  readonly method: string
  readonly options: RunOptions
  readonly plan: EstimatedPlan
}

export function modelsOf({ model = ['tiny200'] }: PatchesArguments): readonly string[] {
  return distinct('--model', model)
}

/** @throws SessError `OPTION_INVALID` */
function methodsOf({ method = [explainDefaults.method] }: PatchesArguments): readonly string[] {
  for (const name of method) methodByName(name)
  return distinct('--method', method)
}

function distinct(flag: string, names: readonly string[]): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalidOption(flag, twice, 'each once')
  return names
}

/** @throws SessError `OPTION_INVALID`, before a model is loaded for nothing */
export function checkRuns(options: PatchesArguments): void {
  const named = methodsOf(options)
  if (named.length > 1) refuseUnusedSettings(methodArguments(options), named.map(methodByName))
  for (const method of named) checkExplainOptions(runOptions(method, options))
  const [models, methods] = [modelsOf(options).length, named.length]
  if (models * methods <= mostBeside) return
  const given = `${models} x ${methods}`
  throw invalidOption('--model and --method', given, `at most ${mostBeside} beside each other, models times methods`)
}

/** What each model and method would run: class, layer and windows are known good before any is. */
export async function planRuns(
  models: OneModel,
  photo: Photo,
  options: PatchesArguments,
): Promise<readonly PlannedRun[]> {
  const names = modelsOf(options)
  const runs: PlannedRun[] = []
  for (const model of names) {
    await naming(names, model, async () => {
      const explainer = await models.load(model)
      for (const method of methodsOf(options)) {
        const asked = runOptions(method, options, explainer)
        runs.push({ model, method, options: asked, plan: explainer.plan(photo, asked) })
      }
    })
  }
  refuseAmbiguousScales(runs, options)
  return runs
}

/** Names the model in what fails, where there are several. */
export async function naming<T>(models: readonly string[], model: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (models.length === 1 || !(error instanceof SessError)) throw error
    throw new SessError(error.code, `With ${model}: ${error.message}`, { cause: error })
  }
}

/** Without an explainer, scales are as they are written. */
function runOptions(method: string, options: PatchesArguments, explainer?: Explainer): RunOptions {
  const { target = explainDefaults.target, against, layer, step, preFilter, theta, fusion, smooth } = options
  const { antialias, batch, maxWindows } = options
  const scales = scalesFor(options.scales, explainer?.info.input)
  const { seed, ...settings } = methodArguments(options)
  // Of several methods each is asked what it has; one alone says itself what it has not
  const own = methodsOf(options).length === 1 ? settings : settingsOf(methodByName(method), settings)
  return {
    ...{ target, against, method, layer, scales, step, preFilter, theta, fusion, smooth, antialias, batch },
    ...{ maxWindows, seed, keepMaps: true },
    ...own,
  }
}

/** One number that is a count for one model and a scale for another. */
function refuseAmbiguousScales(runs: readonly PlannedRun[], { scales }: PatchesArguments): void {
  const kinds = new Set(runs.map((run) => typeof run.options.scales))
  if (kinds.size <= 1) return
  const sides = runs.map(({ plan: { window } }) => Math.max(window.height, window.width))
  throw invalidOption(
    '--scales',
    scales,
    `a count under ${Math.min(...sides)}, a scale from ${Math.max(...sides)} up, or a list: the models' windows differ, ` +
      'and this is a count for one of them and a scale for another',
  )
}
