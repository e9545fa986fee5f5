import { coefficientsOf, type HeldClass, resolveAgainst } from './against.ts'
import type { Call } from './call.ts'
import { type ComparedCell, Comparison } from './comparison.ts'
import { explainedWindows } from './explanation.ts'
import { decode } from './io/decode.ts'
import type { ImageSource } from './io/photo.ts'
import type { LoadedModel } from './load.ts'
import { comparedDefaults, comparedFor } from './methods/compared.ts'
import { methodByName } from './methods/index.ts'
import type { Method } from './methods/method.ts'
import { settingsOf } from './methods/settings.ts'
import { topShare } from './metrics/energy.ts'
import type { Size, Tensor } from './native.ts'
import type { TargetLayer } from './onnx/layers.ts'
import { type CompareOptions, type ExplainOptions, explainDefaults } from './options.ts'
import { peakOf } from './render/overlay.ts'
import { classOf, classScore, copiesFor, fusionOptions, outputsOf, planOf } from './request.ts'
import { resolvedOptions } from './resolved-options.ts'
import type { OutputSizes } from './sess/buffers.ts'
import { type ExplainedView, explainWindows, scheduleOf, type View } from './sess/explain-windows.ts'
import { type PlannedCopies, passesOf } from './sess/mask-set.ts'
import { type Plan, refuseTooMany } from './sess/plan.ts'
import { sharePlans } from './sess/shared-plan.ts'
import { Stopwatch } from './sess/stopwatch.ts'

/** One method, and what `explain` would be asked for each of its maps. */
interface Row {
  readonly method: Method
  readonly outputs: OutputSizes
  readonly copies: PlannedCopies
  readonly against: readonly HeldClass[]
  readonly base: ExplainOptions
  readonly sess: readonly ExplainOptions[]
}

/** A row with its windows, each once. */
interface PlannedRow extends Row {
  readonly plan: Plan
  /** One for each map, the base map's first. */
  readonly views: readonly View[]
  /** What `explain` would be asked for each. */
  readonly asked: readonly ExplainOptions[]
  /** Forward passes of the row, at most. */
  readonly forwards: number
}

/** Base and SESS of several methods on one photo. Forward passes that maps of one method share are run once. */
export async function compare(
  model: LoadedModel,
  call: Call,
  image: ImageSource,
  options: CompareOptions,
): Promise<Comparison> {
  const { onProgress, target: asked = explainDefaults.target } = options
  let target = classOf(model, asked)
  const rows = rowsOf(model, options)
  const photo = await call.clock.wall('decode', decode(image, options))
  const planned = rows.map((row) => planRow(model, photo, row))
  const total = planned.reduce((sum, { forwards }) => sum + forwards, 0)
  using pixels = await call.pixels(photo)
  const cells: ComparedCell[] = []
  let baseLogits: Float32Array | undefined
  let [before, forwards] = [0, 0]
  for (const row of planned) {
    const run = await runRow(model, call, row, {
      photo: pixels.tensor,
      target,
      signal: options.signal,
      onForwards: (done) => onProgress?.({ done: before + done, total, phase: 'inference' }),
    })
    target = run.target // what the first row found to be the top-1 holds for all
    baseLogits ??= run.baseLogits
    cells.push(...run.cells)
    before += row.forwards
    forwards += run.forwards
  }
  onProgress?.({ done: total, total, phase: 'fusion' })
  return new Comparison({
    photo: pixels.photo,
    model: model.resolved.id,
    against: planned[0]?.against ?? [],
    target: classScore(model, baseLogits ?? new Float32Array(), target),
    cells,
    forwards,
    seconds: call.clock.timings().total / 1000,
  })
}

/** What each method is asked, and whether the model serves it: known before anything is run. */
function rowsOf(model: LoadedModel, options: CompareOptions): readonly Row[] {
  const { methods = comparedFor(options), steps = [undefined], fusions = [explainDefaults.fusion] } = options
  const { against, layer, theta, smooth, antialias, batch, maxWindows, seed } = options
  const common = { against, layer, theta, smooth, antialias, batch, maxWindows, seed }
  const known = methods.map(methodByName)
  return known.map((method) => {
    const { name } = method
    const { scales = comparedDefaults[name]?.scales, preFilter = comparedDefaults[name]?.preFilter } = options
    const own = { ...common, method: name, scales, preFilter, ...settingsOf(method, options) }
    const outputs = outputsOf(model, own)
    return {
      method,
      outputs,
      copies: copiesFor(model, own, outputs),
      against: resolveAgainst(against, { labels: model.labels, classes: model.classifier.classes }),
      base: { ...own, sess: false, preFilter: 0 },
      sess: steps.flatMap((step) => fusions.map((fusion) => ({ ...own, step, fusion }))),
    }
  })
}

function planRow(model: LoadedModel, image: Size, row: Row): PlannedRow {
  const { copies } = row
  const passes = passesOf(copies, 1)
  const base = { options: row.base, plan: planOf(model, image, row.base, passes) }
  const sess = row.sess.map((options) => ({ options, plan: planOf(model, image, options, passes) }))
  const { plan, places } = sharePlans(
    base.plan,
    sess.map((cell) => cell.plan),
    passes,
  )
  const views = [base, ...sess].map(
    ({ options, plan }, v): View => ({
      target: 0,
      plan,
      places: places[v] ?? new Int32Array(),
      fusion: { ...fusionOptions(options, plan), keepFused: false },
      clock: new Stopwatch(),
    }),
  )
  const asked = [row.base, ...row.sess]
  refuseTooMany(plan.windows.length, row.base.maxWindows ?? explainDefaults.maxWindows)
  return { ...row, plan, views, asked, forwards: scheduleOf(plan, row.outputs, { targets: 1, copies }, views).forwards }
}

async function runRow(
  model: LoadedModel,
  { stream }: Call,
  row: PlannedRow,
  run: {
    readonly photo: Tensor<'uint8'>
    readonly target: number
    readonly signal: AbortSignal | undefined
    readonly onForwards: (done: number) => void
  },
) {
  const { device, preprocessing, sessions } = model
  const { method, copies, against, plan, views, base } = row
  const coefficients = coefficientsOf(against, model.classifier.classes)
  const seeds = [coefficients === undefined ? ('class' as const) : ('combination' as const)]
  using session = await sessions.explaining({ method, layer: base.layer, seeds })
  using asker = await sessions.asking(method, session)
  const clock = new Stopwatch()
  const input = {
    device,
    stream,
    signal: run.signal,
    clock,
    photo: run.photo,
    plan,
    model: session,
    preprocessing,
    targets: [{ target: run.target, coefficients }],
    copies,
    asker,
    seed: base.seed ?? explainDefaults.seed,
    onForwards: run.onForwards,
  }
  const { baseLogits, forwards, explained } = await explainWindows(input, views, () => sessions.scoring())
  const asked = row.forwards === 0 ? 1 : forwards / row.forwards // flat masks are not asked
  const fusing = views.reduce((sum, view) => sum + fusingTime(view), 0)
  const milliseconds = (clock.timings().total - fusing) / forwards
  const cells: ComparedCell[] = []
  for (const [v, view] of views.entries()) {
    const fused = explained[v]
    if (fused !== undefined)
      cells.push(await cellOf(row, v, view, fused, { layer: session.layer, milliseconds: milliseconds * asked }))
  }
  return { baseLogits, cells, forwards, target: explained[0]?.target ?? run.target }
}

async function cellOf(
  { method, outputs, copies, against, asked }: PlannedRow,
  v: number,
  view: View,
  { map, scores, target }: ExplainedView,
  run: { readonly layer: TargetLayer | undefined; readonly milliseconds: number },
): Promise<ComparedCell> {
  const { plan, fusion } = view
  const { forwards: alone, headForwards } = scheduleOf(plan, outputs, { targets: 1, copies }, [view])
  const facts = {
    method: method.name,
    title: method.title,
    layer: run.layer?.name,
    options: resolvedOptions({
      options: asked[v] ?? {},
      method,
      layer: run.layer,
      target,
      against,
      copies,
      plan,
      fusion,
    }),
    map: { data: map, width: plan.image.width, height: plan.image.height },
    maximum: await peakOf(map),
    topShare: await topShare(map, 10),
    probability: scores.probability.reduce((top, p) => (p > top ? p : top), 0),
    forwards: alone,
    headForwards,
    isMost: copies.kind === 'masked',
    seconds: (alone * run.milliseconds + fusingTime(view)) / 1000,
    plan,
    preFilter: fusion.preFilter,
    windows: await explainedWindows(plan, scores),
    nonfinite: scores.nonfinite,
  }
  return plan.sess ? { kind: 'sess', ...facts, step: plan.step, fusion: fusion.mode } : { kind: 'base', ...facts }
}

/** Milliseconds of a view's own fusion and smoothing. */
function fusingTime({ clock }: View): number {
  const { fuse, smooth } = clock.timings()
  return fuse + smooth
}
