import { type Copies, passesOf } from '../methods/method.ts'
import { type Chunk, chunksOf } from './chunks.ts'
import type { LeasedSession } from './explain-session.ts'
import { type FusedTarget, type FusionOptions, type KnownScores, TargetFusion } from './fusion.ts'
import { runWindows, type WindowsInput } from './pipeline.ts'
import type { Plan } from './plan.ts'
import { scoreWindows } from './scores.ts'

export interface ExplainedTarget extends FusedTarget {
  /** Class that was explained. */
  readonly target: number
}

export interface ExplainedWindows {
  /** Logits of the base view, K. */
  readonly baseLogits: Float32Array
  readonly explained: readonly ExplainedTarget[]
}

type RunInput = Omit<WindowsInput, 'chunks' | 'chosen' | 'onMaps'>

/** In what order the windows run. */
export interface Schedule {
  /** Whose maps are held at once. */
  readonly chunks: readonly Chunk[]
  /** Whether every window's score is asked for before any map is made. */
  readonly scoresFirst: boolean
  /** Forward passes of the whole call, at most: what several targets keep may overlap. */
  readonly forwards: number
}

/**
 * Scores come first where weights must be final before maps are fused in chunks, and where a pre-filter then spares
 * the copies of what it drops.
 */
export function scheduleOf(
  plan: Plan,
  model: Pick<RunInput['model'], 'grid'>,
  { targets, copies }: { readonly targets: number; readonly copies: Copies },
  { theta, preFilter, keepMaps }: Pick<FusionOptions, 'theta' | 'preFilter' | 'keepMaps'>,
): Schedule {
  const chunks = chunksOf(plan, targets * model.grid.height * model.grid.width, keepMaps)
  const isChunked = chunks.length > 1 && (theta > 0 || preFilter > 0)
  const scoresFirst = isChunked || (copies.kind !== 'none' && preFilter > 0)
  if (!scoresFirst) return { chunks, scoresFirst, forwards: plan.forwards }
  const windows = plan.windows.length
  const kept = Math.min(windows, targets * Math.max(1, windows - Math.floor(windows * preFilter)))
  const scoring = windows + (plan.baseWindow === null ? 1 : 0)
  return { chunks, scoresFirst, forwards: scoring + kept * passesOf(copies) + 1 }
}

/**
 * Runs the windows and fuses each target's maps.
 * @param scorer a session that gives logits, for where scores come first
 * @throws SessError `MODEL_NONFINITE` when no window is left, `OUT_OF_MEMORY`, `ABORTED`
 */
export async function explainWindows(
  input: RunInput,
  options: FusionOptions,
  scorer: () => Promise<LeasedSession>,
): Promise<ExplainedWindows> {
  const { device, stream, clock, plan, model, targets } = input
  const { chunks, scoresFirst } = scheduleOf(plan, model, { targets: targets.length, copies: input.copies }, options)
  const known = scoresFirst ? await scoreFirst(input, options, scorer) : undefined
  const fusions: TargetFusion[] = []
  try {
    for (const t of targets.keys()) {
      fusions.push(new TargetFusion({ device, stream, clock, plan, known: known?.scores[t] }, options))
    }
    const output = await runWindows({
      ...input,
      chunks,
      chosen: known && union(known.scores.map(({ kept }) => kept)),
      onForwards: (done) => input.onForwards(done + (known?.forwards ?? 0)),
      onMaps: async (t, maps) => await fusions[t]?.add(maps),
    })
    const explained: ExplainedTarget[] = []
    for (const [t, fusion] of fusions.entries()) {
      explained.push({ ...(await fusion.finish()), target: output.targets[t] ?? 0 })
    }
    return { baseLogits: output.baseLogits, explained }
  } finally {
    for (const fusion of fusions) fusion[Symbol.dispose]()
  }
}

/** Every window's score before any map is made; what a pre-filter drops is then not run again. */
async function scoreFirst(input: RunInput, options: FusionOptions, scorer: () => Promise<LeasedSession>) {
  using model = await scorer()
  let forwards = 0
  const { logProbabilities } = await runWindows({
    ...input,
    model,
    copies: { kind: 'none' },
    chunks: [{ first: 0, end: input.plan.windows.length }],
    onForwards: (done) => {
      forwards = done
      input.onForwards(done)
    },
    onMaps: async () => {},
  })
  const scores = logProbabilities.map((logProbability): KnownScores => {
    const { kept } = scoreWindows(logProbability, new Float32Array(logProbability.length), options.preFilter)
    return { logProbability, kept: new Set(kept) }
  })
  return { scores, forwards }
}

function union(sets: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  return new Set(sets.flatMap((set) => [...set]))
}
