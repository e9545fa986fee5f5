import { type Chunk, chunksOf } from './chunks.ts'
import type { LeasedSession } from './explain-session.ts'
import { type FusedMaps, type FusedTarget, type FusionOptions, type KnownScores, TargetFusion } from './fusion.ts'
import { headPassesOf, type PlannedCopies, passesOf } from './mask-set.ts'
import { runWindows } from './pipeline.ts'
import type { Plan } from './plan.ts'
import { scoreWindows } from './scores.ts'
import type { Stopwatch } from './stopwatch.ts'
import type { WindowMaps, WindowsInput } from './windows-input.ts'

/** One map to be made of the windows that run: for which target, of which of them, and how they are fused. */
export interface View {
  /** Index among the targets. */
  readonly target: number
  readonly plan: Plan
  /** Where each of the plan's windows stands among those that run, ascending; the same place unless given. */
  readonly places?: Int32Array
  readonly fusion: FusionOptions
  /** Of its fusion alone. */
  readonly clock: Stopwatch
}

export interface ExplainedView extends FusedTarget {
  /** Class that was explained. */
  readonly target: number
}

interface ExplainedWindows {
  /** Logits of the base view, K. */
  readonly baseLogits: Float32Array
  /** Forward passes that ran. */
  readonly forwards: number
  /** In the order of the views. */
  readonly explained: readonly ExplainedView[]
}

type RunInput = Omit<WindowsInput, 'chunks' | 'chosen' | 'onMaps'>

/** What a view asks of the order in which windows run. */
interface ScheduledView {
  readonly plan: Pick<Plan, 'windows'>
  readonly fusion: Pick<FusionOptions, 'theta' | 'preFilter' | 'keepMaps'>
}

/** In what order the windows run. */
interface Schedule {
  /** Whose maps are held at once. */
  readonly chunks: readonly Chunk[]
  /** Whether every window's score is asked for before any map is made. */
  readonly scoresFirst: boolean
  /** Forward passes of the whole call, at most: what several views keep may overlap. */
  readonly forwards: number
  /** Those of them that run only the model's head. */
  readonly headForwards: number
}

/**
 * Scores come first where weights must be final before maps are fused in chunks, and where a pre-filter then spares
 * the copies of what it drops.
 */
export function scheduleOf(
  plan: Plan,
  model: Pick<RunInput['model'], 'grid'>,
  { targets, copies }: { readonly targets: number; readonly copies: PlannedCopies },
  views: readonly ScheduledView[],
): Schedule {
  const keepsMaps = views.some(({ fusion }) => fusion.keepMaps)
  const filters = views.some(({ fusion }) => fusion.preFilter > 0)
  const chunks = chunksOf(plan, targets * model.grid.height * model.grid.width, keepsMaps)
  const isChunked = chunks.length > 1 && (filters || views.some(({ fusion }) => fusion.theta > 0))
  const scoresFirst = isChunked || (copies.kind !== 'none' && filters)
  const windows = plan.windows.length
  const heads = headPassesOf(copies)
  if (!scoresFirst) return { chunks, scoresFirst, forwards: plan.forwards, headForwards: windows * heads }
  const kept = views.reduce((sum, view) => sum + keptOf(view), 0)
  const scoring = windows + (plan.baseWindow === null ? 1 : 0)
  const asked = Math.min(windows, kept)
  const forwards = scoring + asked * passesOf(copies, targets) + 1
  return { chunks, scoresFirst, forwards, headForwards: asked * heads }
}

/** Windows that the pre-filter leaves, where all are finite. */
function keptOf({ plan, fusion }: ScheduledView): number {
  const windows = plan.windows.length
  return Math.max(1, windows - Math.floor(windows * fusion.preFilter))
}

/**
 * Runs the windows and fuses the maps of each view.
 * @param scorer a session that gives logits, for where scores come first
 * @throws SessError `MODEL_NONFINITE` when no window is left, `OUT_OF_MEMORY`, `ABORTED`
 */
export async function explainWindows(
  input: RunInput,
  views: readonly View[],
  scorer: () => Promise<LeasedSession>,
): Promise<ExplainedWindows> {
  const { device, stream, plan, model, targets, copies } = input
  const { chunks, scoresFirst } = scheduleOf(plan, model, { targets: targets.length, copies }, views)
  const scored = scoresFirst ? await scoreFirst(input, scorer) : undefined
  const known = scored && views.map((view) => knownScores(view, scored.logProbabilities[view.target]))
  const fusions: TargetFusion[] = []
  try {
    for (const [v, { plan, clock, fusion, target }] of views.entries()) {
      const source = model.targets[target]
      const rectify = source?.kind === 'cam' ? source.rectify : 'cells'
      fusions.push(new TargetFusion({ device, stream, clock, plan, rectify, known: known?.[v] }, fusion))
    }
    const output = await runWindows({
      ...input,
      targets: scored?.targets ?? targets,
      chunks,
      chosen: known && chosenBy(views, known),
      onForwards: (done) => input.onForwards(done + (scored?.forwards ?? 0)),
      onMaps: async (target, maps) => {
        for (const [v, view] of views.entries()) {
          const part = view.target === target ? partOf(view, maps) : undefined
          if (part !== undefined) await fusions[v]?.add(part)
        }
      },
    })
    const explained: ExplainedView[] = []
    for (const [v, view] of views.entries()) {
      const fused = await fusions[v]?.finish()
      if (fused !== undefined) explained.push({ ...fused, target: output.targets[view.target] ?? 0 })
    }
    return { baseLogits: output.baseLogits, forwards: output.forwards + (scored?.forwards ?? 0), explained }
  } finally {
    for (const fusion of fusions) fusion[Symbol.dispose]()
  }
}

/** Every window's score before any map is made; what a pre-filter drops is then not run again. */
async function scoreFirst(input: RunInput, scorer: () => Promise<LeasedSession>) {
  using model = await scorer()
  const { logProbabilities, targets, forwards } = await runWindows({
    ...input,
    model,
    copies: { kind: 'none' },
    chunks: [{ first: 0, end: input.plan.windows.length }],
    onMaps: async () => {},
  })
  // Known from here on: another session's last bit might choose another class
  const known = input.targets.map((asked, t) => ({ ...asked, target: targets[t] ?? asked.target }))
  return { logProbabilities, targets: known, forwards }
}

function knownScores({ places, fusion }: View, ofAll: Float64Array = new Float64Array()): KnownScores {
  const logProbability = places === undefined ? ofAll : Float64Array.from(places, (place) => ofAll[place] ?? Number.NaN)
  const { kept } = scoreWindows(logProbability, new Float32Array(logProbability.length), fusion.preFilter)
  return { logProbability, kept: new Set(kept) }
}

/** The windows that some view keeps, by their place among those that run. */
function chosenBy(views: readonly View[], known: readonly KnownScores[]): ReadonlySet<number> {
  const chosen = new Set<number>()
  for (const [v, { places }] of views.entries()) {
    for (const index of known[v]?.kept ?? []) chosen.add(places?.[index] ?? index)
  }
  return chosen
}

/** The view's own windows among those whose maps have come; undefined where there are none. */
function partOf({ places }: View, maps: WindowMaps): FusedMaps | undefined {
  if (places === undefined) return maps
  const first = places.findIndex((place) => place >= maps.first)
  const end = places.findLastIndex((place) => place < maps.first + maps.peaks.length) + 1
  if (first < 0 || first >= end) return undefined
  const rows = places.subarray(first, end).map((place) => place - maps.first)
  return {
    first,
    rows,
    maps: maps.maps,
    logProbability: Float64Array.from(rows, (row) => maps.logProbability[row] ?? Number.NaN),
    peaks: Float32Array.from(rows, (row) => maps.peaks[row] ?? Number.NaN),
  }
}
