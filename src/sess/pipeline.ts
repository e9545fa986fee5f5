import { SessError } from '../error.ts'
import type { Copies } from '../methods/method.ts'
import {
  type Device,
  gather,
  type Preprocessing,
  patches,
  pyramid,
  type Rect,
  type Resize,
  type Size,
  type Stream,
  type Tensor,
} from '../native.ts'
import { bandsOf, overlapLittle } from './bands.ts'
import { BatchRun } from './batch-run.ts'
import { allocateBuffers, type Buffers, disposeScratch } from './buffers.ts'
import type { ExplainSession } from './explain-session.ts'
import type { PlannedWindow } from './geometry.ts'
import { type Plan, windowsByLevel } from './plan.ts'
import type { Stopwatch } from './stopwatch.ts'

export interface WindowsInput {
  readonly device: Device
  readonly stream: Stream
  /** H x W x 3. */
  readonly photo: Tensor<'uint8'>
  readonly plan: Plan
  readonly model: ExplainSession
  readonly preprocessing: Preprocessing
  /** In the order of the model's seeds. */
  readonly targets: readonly WindowsTarget[]
  /** Asked for each window beside itself. */
  readonly copies: Copies
  /** Of the noise that copies are made with. */
  readonly seed: number
  readonly clock: Stopwatch
  readonly onForwards: (done: number) => void
}

/** What is explained: the logit of a class, plus, where there are coefficients, a weighted sum of all logits. */
export interface WindowsTarget {
  /** -1: the argmax of the base view. */
  readonly target: number
  /** K; undefined where the model's seed takes none. */
  readonly coefficients: Float32Array | undefined
}

/** What one target's forward passes leave: a row for each window in window order. */
export interface TargetResult {
  readonly target: number
  /** log p of each row, NaN where its logits are not finite. */
  readonly logProbability: Float64Array
  /** Maps on the target layer's grid or at the window's pixels, windows x u x v; the caller disposes it. */
  readonly maps: Tensor<'float32'>
  /** Each map's maximum, NaN where it is not finite. */
  readonly peaks: Float32Array
}

export interface WindowsOutput {
  /** Logits of the base view, K. */
  readonly baseLogits: Float32Array
  readonly results: readonly TargetResult[]
}

/** Lowest index of the largest logit. */
function argmax(logits: Float32Array): number {
  if (!logits.every(Number.isFinite)) {
    const what = 'The model gives logits that are not finite for the whole photo, so it has no top-1'
    throw new SessError('MODEL_NONFINITE', `${what}: name a target, or check the preprocessing (mean, std).`)
  }
  return logits.reduce((best, value, i) => (value > (logits[best] ?? value) ? i : best), 0)
}

function without(windows: readonly PlannedWindow[], index: number | null): readonly PlannedWindow[] {
  return index === null ? windows : windows.filter((window) => window.index !== index)
}

/** The passage of one call's windows through the model: each is cut out of its level into the model's input. */
class WindowsRun {
  readonly #input: WindowsInput
  readonly #buffers: Buffers
  readonly #batch: BatchRun

  constructor(input: WindowsInput, buffers: Buffers) {
    this.#input = input
    this.#buffers = buffers
    this.#batch = new BatchRun(input, buffers)
  }

  /** The base view by itself, as the first forward pass. Targets that were -1 are known after it. */
  async base(): Promise<{ readonly logits: Float32Array; readonly targets: readonly number[] }> {
    const { plan, targets } = this.#input
    const given = targets.map(({ target }) => target)
    this.#setTargets(given, 1)
    const whole = { y: 0, x: 0, ...plan.window }
    this.#resize(plan.window, whole, 'antialias')
    this.#gather([{ index: plan.baseWindow ?? plan.windows.length, level: 0, y: 0, x: 0 }], whole)
    const logits = await this.#batch.logits()
    const known = given.map((target) => (target < 0 ? argmax(logits) : target))
    await this.#batch.endBase(known)
    this.#setTargets(known, plan.batch)
    return { logits, targets: known }
  }

  /** Every window but `done`. */
  async windows(targets: readonly number[], done: number | null): Promise<void> {
    const { plan, model } = this.#input
    const filter = plan.antialias ? 'antialias' : 'bilinear'
    for (const [level, windows] of windowsByLevel(plan).entries()) {
      const size = plan.levels[level] ?? plan.window
      if (model.layout === 'NCHW' && overlapLittle(windows.length, plan.window, size, plan.image)) {
        await this.#fill(without(windows, done), targets, (some) => this.#patches(some, size, filter))
        continue
      }
      for (const band of bandsOf(level, windows, plan.window)) {
        this.#resize(size, band.rect, filter)
        await this.#fill(without(band.windows, done), targets, (some) => this.#gather(some, band.rect))
      }
    }
    if (this.#batch.rows.length > 0) await this.#batch.run(targets)
    await this.#batch.end()
  }

  /** Puts windows into the model's input with `cut`, and runs each batch that is full. */
  async #fill(
    windows: readonly PlannedWindow[],
    targets: readonly number[],
    cut: (some: readonly PlannedWindow[]) => void,
  ): Promise<void> {
    const { batch } = this.#input.plan
    for (let next = 0; next < windows.length; ) {
      const room = batch - this.#batch.rows.length
      cut(windows.slice(next, next + room))
      next += room
      if (this.#batch.rows.length === batch) await this.#batch.run(targets)
    }
  }

  #setTargets(targets: readonly number[], rows: number): void {
    for (const [t, { classes, coefficients }] of this.#buffers.perTarget.entries()) {
      classes.write(new BigInt64Array(rows).fill(BigInt(targets[t] ?? -1)))
      const row = this.#input.targets[t]?.coefficients
      if (row !== undefined) coefficients?.write(repeated(row, rows))
    }
  }

  #resize(level: Size, band: Rect, filter: Resize['filter']): void {
    const { stream, photo, preprocessing } = this.#input
    const options = { level, band, filter, ...preprocessing }
    this.#batch.enqueue('pyramid', pyramid(stream, photo, options, this.#buffers.band))
  }

  #gather(windows: readonly PlannedWindow[], band: Rect): void {
    const { stream, plan, model } = this.#input
    const options = {
      band: { height: band.height, width: band.width },
      window: plan.window,
      origins: Int32Array.from(windows.flatMap(({ y, x }) => [y - band.y, x - band.x])),
      layout: model.layout,
      slot: this.#batch.rows.length,
    }
    const op = gather(stream, this.#buffers.band, options, this.#buffers.input)
    this.#batch.put(indices(windows), 'gather', op)
  }

  #patches(windows: readonly PlannedWindow[], level: Size, filter: Resize['filter']): void {
    const { stream, photo, preprocessing, plan } = this.#input
    const origins = Int32Array.from(windows.flatMap(({ y, x }) => [y, x]))
    const options = { level, window: plan.window, origins, filter, ...preprocessing, slot: this.#batch.rows.length }
    this.#batch.put(indices(windows), 'pyramid', patches(stream, photo, options, this.#buffers.input))
  }
}

function indices(windows: readonly PlannedWindow[]): readonly number[] {
  return windows.map(({ index }) => index)
}

function repeated(row: Float32Array, rows: number): Float32Array {
  const all = new Float32Array(row.length * rows)
  for (let i = 0; i < rows; i++) all.set(row, i * row.length)
  return all
}

/**
 * Runs the base view and every window of the plan through the model, once each.
 * @throws SessError `ABORTED`, `OUT_OF_MEMORY`, `MODEL_UNSUPPORTED`
 */
export async function runWindows(input: WindowsInput): Promise<WindowsOutput> {
  const { device, plan, model } = input
  const windows = plan.windows.length
  const buffers = allocateBuffers(device, plan, model, input.copies)
  try {
    const run = new WindowsRun(input, buffers)
    const { logits, targets } = await run.base()
    await run.windows(targets, plan.baseWindow)
    const scores = buffers.scores.read()
    const logProbability = (t: number) =>
      new Float64Array(windows).map((_, row) => scores[(row * targets.length + t) * 2 + 1] ?? Number.NaN)
    return {
      baseLogits: logits,
      results: buffers.perTarget.map(({ maps, peaks }, t) => ({
        target: targets[t] ?? 0,
        logProbability: logProbability(t),
        maps,
        peaks: peaks.read(),
      })),
    }
  } catch (error) {
    for (const { maps } of buffers.perTarget) maps.dispose()
    throw error
  } finally {
    disposeScratch(buffers)
  }
}
