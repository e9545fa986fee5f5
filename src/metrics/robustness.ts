import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { quantileSorted } from 'd3-array'
import type { ExplainedWindow } from '../explanation.ts'
import { contains } from '../sess/geometry.ts'
import type { Peak } from './peak.ts'

/** Linear interpolation between order statistics, as numpy's default. */
export interface Quartiles {
  readonly q1: number
  readonly median: number
  readonly q3: number
}

/** Windows whose box contains the centre of the map's highest pixel, and whose score is finite. */
export interface PeakWindows {
  readonly windows: number
  /** Those that score over half of the best window's score: their weight is over 0.5. */
  readonly high: number
  /** `high` over `windows`; null where no window contains the peak. */
  readonly share: number | null
}

/** The windows of one level of the pyramid. */
export interface ScaleRobustness {
  /** Length of the level's shorter side, pixels. */
  readonly scale: number
  readonly windows: number
  /** Those whose score is finite: the quartiles are theirs, dropped by the pre-filter or not. */
  readonly scored: number
  /** Left out of the map: by the pre-filter, or because logits or map were not finite. */
  readonly dropped: number
  /** The target's probability. Null where no window has a finite score. */
  readonly score: Quartiles | null
  /** Score over the largest score of all windows. Null where no window has a finite score. */
  readonly weight: Quartiles | null
  readonly atPeak: PeakWindows
}

/** How scores and weights hold out against scale, and against what a window cuts off or leaves out. */
export interface Robustness {
  /** The largest score of all windows, and the first window that has it. Null where none has a finite score. */
  readonly best: { readonly index: number; readonly score: number } | null
  /** The map's highest pixel, the first in rows from the top where several have its value. Null: zero everywhere. */
  readonly peak: Peak | null
  /** Of the windows of all scales. */
  readonly atPeak: PeakWindows
  /** Level by level. */
  readonly scales: readonly ScaleRobustness[]
}

/** What the numbers are made of. */
export type ScoredWindow = Pick<ExplainedWindow, 'index' | 'level' | 'box' | 'probability' | 'weight' | 'kept'>

/** Over half: what the share of high windows is counted by. */
const highWeight = 0.5
/** Windows between two turns of the event loop. */
const TURN = 1 << 12

/**
 * Score and weight by scale, and how many of the windows that contain the map's peak still score high.
 * @param scales lengths of the levels' shorter side
 * @param windows of the plan, each with its level
 * @param peak of the fused map, in the photo's pixels
 */
export async function robustness(
  scales: readonly number[],
  windows: readonly ScoredWindow[],
  peak: Peak | null,
): Promise<Robustness> {
  const levels = scales.map((scale) => new LevelTally(scale, peak))
  let best: Robustness['best'] = null
  for (const [i, window] of windows.entries()) {
    if (i % TURN === TURN - 1) await yieldToLoop()
    levels[window.level]?.add(window)
    const { index, probability } = window
    if (probability > (best?.score ?? Number.NEGATIVE_INFINITY)) best = { index, score: probability }
  }
  const byScale: ScaleRobustness[] = []
  for (const level of levels) {
    byScale.push(level.numbers())
    await yieldToLoop()
  }
  const total = (of: (atPeak: PeakWindows) => number) => byScale.reduce((sum, { atPeak }) => sum + of(atPeak), 0)
  const atPeak = peakWindows(
    total((one) => one.windows),
    total((one) => one.high),
  )
  return { best, peak, atPeak, scales: byScale }
}

class LevelTally {
  readonly #scale: number
  readonly #peak: Peak | null
  readonly #scores: number[] = []
  readonly #weights: number[] = []
  #windows = 0
  #dropped = 0
  #atPeak = 0
  #high = 0

  constructor(scale: number, peak: Peak | null) {
    this.#scale = scale
    this.#peak = peak
  }

  add({ box, probability, weight, kept }: ScoredWindow): void {
    this.#windows++
    if (!kept) this.#dropped++
    if (!Number.isFinite(probability)) return
    this.#scores.push(probability)
    this.#weights.push(weight)
    if (this.#peak === null || !contains(box, this.#peak)) return
    this.#atPeak++
    if (weight > highWeight) this.#high++
  }

  numbers(): ScaleRobustness {
    return {
      scale: this.#scale,
      windows: this.#windows,
      scored: this.#scores.length,
      dropped: this.#dropped,
      score: quartiles(this.#scores),
      weight: quartiles(this.#weights),
      atPeak: peakWindows(this.#atPeak, this.#high),
    }
  }
}

function peakWindows(windows: number, high: number): PeakWindows {
  return { windows, high, share: windows === 0 ? null : high / windows }
}

function quartiles(values: readonly number[]): Quartiles | null {
  const sorted = [...Float64Array.from(values).sort()]
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((q) => quantileSorted(sorted, q))
  return q1 === undefined || median === undefined || q3 === undefined ? null : { q1, median, q3 }
}
