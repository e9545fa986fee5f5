import { invalidOption } from './error.ts'
import type { ClassScore } from './explanation.ts'
import type { LoadedModel } from './load.ts'
import { buildExplainModel } from './methods/explain-model.ts'
import { methodByName } from './methods/index.ts'
import type { Method } from './methods/method.ts'
import { copiesWith } from './methods/settings.ts'
import { resolveTarget } from './models/labels.ts'
import { probabilities } from './models/probabilities.ts'
import type { Size } from './native.ts'
import type { SeedKind } from './onnx/augment.ts'
import { resolveLayer } from './onnx/classifier.ts'
import { type ExplainOptions, explainDefaults, type Target } from './options.ts'
import { memoryOf, type OutputSizes } from './sess/buffers.ts'
import { gridOf } from './sess/explain-session.ts'
import { scheduleOf } from './sess/explain-windows.ts'
import type { FusionOptions } from './sess/fusion.ts'
import { type PlannedCopies, passesOf, planCopies } from './sess/mask-set.ts'
import { type EstimatedPlan, makePlan, type Plan } from './sess/plan.ts'

// What the options of a call mean for a loaded model.

/** The class of a target that is only known after the base view's forward pass. */
export const topOne = -1
const defaultKernel = { size: 11, sigma: 5 }

export function methodOf({ method = explainDefaults.method }: ExplainOptions): Method {
  return methodByName(method)
}

/** Without SESS the map is the base method's own: nothing is left out, fused or smoothed. */
export function fusionOptions(options: ExplainOptions, plan: Plan): FusionOptions {
  const { smooth = explainDefaults.smooth, keepMaps = explainDefaults.keepMaps } = options
  const keepFused = true
  if (!plan.sess) return { mode: 'mean', theta: 0, preFilter: 0, smoothing: undefined, keepMaps, keepFused }
  const kernel = smooth === true ? defaultKernel : { ...defaultKernel, ...(smooth || {}) }
  return {
    mode: options.fusion ?? explainDefaults.fusion,
    theta: options.theta ?? explainDefaults.theta,
    preFilter: options.preFilter ?? explainDefaults.preFilter,
    smoothing: smooth !== false ? kernel : undefined,
    keepMaps,
    keepFused,
  }
}

/** `passes`: forward passes of one window. */
export function planOf(
  { classifier, batch: autoBatch }: LoadedModel,
  image: Size,
  options: ExplainOptions,
  passes: number,
): Plan {
  const { batch = explainDefaults.batch, step } = options
  if (classifier.batch === 'fixed' && batch !== 'auto' && batch !== 1) {
    throw invalidOption('batch', batch, '1 or "auto": this model takes one image at a time')
  }
  return makePlan(
    { height: image.height, width: image.width },
    { height: classifier.height, width: classifier.width },
    {
      scales: options.scales ?? explainDefaults.scales,
      step: typeof step === 'number' ? [step, step] : step,
      antialias: options.antialias ?? explainDefaults.antialias,
      sess: options.sess ?? explainDefaults.sess,
      batch: batch === 'auto' ? autoBatch : batch,
      maxWindows: options.maxWindows ?? explainDefaults.maxWindows,
      passes,
    },
  )
}

/**
 * What `explain` would run, and what it takes.
 * @param sizes what a session for these options gives
 * @param forwardSeconds of one forward pass, where that was measured
 */
export function estimatePlan(
  model: LoadedModel,
  image: Size,
  options: ExplainOptions,
  sizes: OutputSizes,
  forwardSeconds: number | undefined,
): EstimatedPlan {
  const targets = Math.max(1, sizes.targets.length)
  const copies = copiesFor(model, options, sizes)
  const plan = planOf(model, image, options, passesOf(copies, targets))
  const fusion = fusionOptions(options, plan)
  const views = Array.from({ length: targets }, () => ({ plan, fusion }))
  const { chunks, forwards, headForwards } = scheduleOf(plan, sizes, { targets, copies }, views)
  return {
    ...plan,
    forwards,
    headForwards,
    memory: memoryOf(plan, sizes, { copies, chunks, keepMaps: fusion.keepMaps }),
    seconds: forwardSeconds === undefined ? null : forwardSeconds * forwards,
  }
}

/** What a session for these options would give, without opening it. */
export function outputsOf({ classifier }: LoadedModel, options: ExplainOptions): OutputSizes {
  const method = methodOf(options)
  const layer = options.layer === undefined ? classifier.layer : resolveLayer(classifier, options.layer)
  const targets = typeof options.target === 'object' ? options.target.length : 1
  const kind: SeedKind = options.against === undefined ? 'class' : 'combination'
  const model = buildExplainModel(classifier, { method, layer, seeds: new Array<SeedKind>(targets).fill(kind) })
  const { targets: outputs, layerTensor } = model
  return { grid: gridOf(method, model, classifier), classes: classifier.classes, targets: outputs, layerTensor }
}

/**
 * On what each window is asked again.
 * @throws SessError `OPTION_INVALID` for a setting that does not fit the model
 */
export function copiesFor(
  { classifier: { height, width } }: LoadedModel,
  options: ExplainOptions,
  { targets: [target] }: Pick<OutputSizes, 'targets'>,
): PlannedCopies {
  const channels = target?.kind === 'cam' ? target.channels : 0
  return planCopies(copiesWith(methodOf(options), options), { window: { height, width }, channels })
}

/** @throws SessError `TARGET_UNKNOWN`, `TARGET_AMBIGUOUS` */
export function classOf({ labels, classifier }: LoadedModel, target: Target): number {
  return target === 'top-1' ? topOne : resolveTarget(target, labels, classifier.classes)
}

export function classScore({ labels, activation }: LoadedModel, logits: Float32Array, index: number): ClassScore {
  const probability = probabilities(logits, activation)[index] ?? Number.NaN
  return { index, label: labels?.[index], logit: logits[index] ?? Number.NaN, probability }
}
