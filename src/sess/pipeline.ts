import { SessError } from '../error.ts'
import {
  camReduce,
  type Device,
  gather,
  type Milliseconds,
  type Preprocessing,
  patches,
  pyramid,
  type Rect,
  type Resize,
  type Size,
  type Stream,
  score,
  type Tensor,
} from '../native.ts'
import { bandsOf, overlapLittle } from './bands.ts'
import { allocateBuffers, type Buffers, disposeScratch } from './buffers.ts'
import type { CamSession } from './cam-session.ts'
import type { PlannedWindow } from './geometry.ts'
import { type Plan, windowsByLevel } from './plan.ts'
import type { Stopwatch, TimedPhase } from './stopwatch.ts'

export interface WindowsInput {
  readonly device: Device
  readonly stream: Stream
  /** H x W x 3. */
  readonly photo: Tensor<'uint8'>
  readonly plan: Plan
  readonly model: CamSession
  readonly preprocessing: Preprocessing
  /** Class of each target; -1: the argmax of the base view. */
  readonly targets: readonly number[]
  readonly clock: Stopwatch
  readonly onForwards: (done: number) => void
}

/** What one target's forward passes leave: a row for each window in window order, then one for the base view. */
export interface TargetResult {
  readonly target: number
  /** log p of each row, NaN where its logits are not finite. */
  readonly logProbability: Float64Array
  /** Maps on the target layer's grid, rows x u x v; the caller disposes it. */
  readonly maps: Tensor<'float32'>
  /** Each map's maximum, NaN where it is not finite. */
  readonly peaks: Float32Array
}

export interface WindowsOutput {
  /** Logits of the base view, K. */
  readonly baseLogits: Float32Array
  readonly results: readonly TargetResult[]
}

/** Batches enqueued ahead: the queue never runs dry, and no more than this waits behind an abort. */
const batchesAhead = 2

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

/** The passage of one call's windows through the model, batch by batch. Ops are enqueued ahead of results. */
class WindowsRun {
  readonly #input: WindowsInput
  readonly #buffers: Buffers
  /** Windows that stand in the model's input, by row. */
  #rows: number[] = []
  #ops: Promise<void>[] = []
  readonly #underWay: { readonly done: Promise<unknown>; readonly size: number }[] = []
  #forwards = 0

  constructor(input: WindowsInput, buffers: Buffers) {
    this.#input = input
    this.#buffers = buffers
  }

  /** The base view by itself, as the first forward pass, into `row`. Targets that were -1 are known after it. */
  async base(row: number): Promise<{ readonly logits: Float32Array; readonly targets: readonly number[] }> {
    const { plan, targets } = this.#input
    this.#setTargets(targets, 1)
    const whole = { y: 0, x: 0, ...plan.window }
    this.#resize(plan.window, whole, 'antialias')
    this.#gather([{ index: row, level: 0, y: 0, x: 0 }], whole)
    this.#forward()
    await Promise.all(this.#ops)
    const logits = this.#buffers.logits.read(1)
    const known = targets.map((target) => (target < 0 ? argmax(logits) : target))
    this.#reduce(known)
    await this.#closeBatch()
    this.#setTargets(known, plan.batch)
    return { logits, targets: known }
  }

  /** Every window but those of `done`. */
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
    if (this.#rows.length > 0) this.#runBatch(targets)
    await this.#settle(0)
  }

  /** Puts windows into the model's input with `cut`, and runs each batch that is full. */
  async #fill(
    windows: readonly PlannedWindow[],
    targets: readonly number[],
    cut: (some: readonly PlannedWindow[]) => void,
  ): Promise<void> {
    for (let next = 0; next < windows.length; ) {
      const room = this.#input.plan.batch - this.#rows.length
      cut(windows.slice(next, next + room))
      next += room
      if (this.#rows.length === this.#input.plan.batch) {
        this.#runBatch(targets)
        await this.#settle(batchesAhead)
      }
    }
  }

  #setTargets(targets: readonly number[], rows: number): void {
    for (const [t, { classes }] of this.#buffers.perTarget.entries()) {
      classes.write(new BigInt64Array(rows).fill(BigInt(targets[t] ?? -1)))
    }
  }

  #enqueue(phase: TimedPhase, op: Promise<Milliseconds>): void {
    const timed = this.#input.clock.add(phase, op)
    timed.catch(() => {}) // seen by the batch's Promise.all, unless an earlier batch fails first
    this.#ops.push(timed)
  }

  #resize(level: Size, band: Rect, filter: Resize['filter']): void {
    const { stream, photo, preprocessing } = this.#input
    this.#enqueue('pyramid', pyramid(stream, photo, { level, band, filter, ...preprocessing }, this.#buffers.band))
  }

  #gather(windows: readonly PlannedWindow[], band: Rect): void {
    const { stream, plan, model } = this.#input
    const options = {
      band: { height: band.height, width: band.width },
      window: plan.window,
      origins: Int32Array.from(windows.flatMap(({ y, x }) => [y - band.y, x - band.x])),
      layout: model.layout,
      slot: this.#rows.length,
    }
    this.#enqueue('gather', gather(stream, this.#buffers.band, options, this.#buffers.input))
    this.#rows.push(...windows.map(({ index }) => index))
  }

  #patches(windows: readonly PlannedWindow[], level: Size, filter: Resize['filter']): void {
    const { stream, photo, preprocessing, plan } = this.#input
    const origins = Int32Array.from(windows.flatMap(({ y, x }) => [y, x]))
    const options = { level, window: plan.window, origins, filter, ...preprocessing, slot: this.#rows.length }
    this.#enqueue('pyramid', patches(stream, photo, options, this.#buffers.input))
    this.#rows.push(...windows.map(({ index }) => index))
  }

  #forward(): void {
    const { stream, model } = this.#input
    const { input, logits, activations, perTarget } = this.#buffers
    const bind = <T>(names: readonly string[], tensor: (target: (typeof perTarget)[number]) => T) =>
      Object.fromEntries(perTarget.flatMap((target, t) => names.slice(t, t + 1).map((name) => [name, tensor(target)])))
    const bindings = {
      inputs: { [model.imageInput]: input, ...bind(model.targetInputs, ({ classes }) => classes) },
      outputs: {
        [model.outputs.logits]: logits,
        ...(model.outputs.activations === undefined ? {} : { [model.outputs.activations]: activations }),
        ...bind(model.outputs.weights, ({ weights }) => weights),
      },
      rows: this.#rows.length,
    }
    this.#enqueue('inference', model.session.run(stream, bindings))
  }

  #reduce(targets: readonly number[]): void {
    const { stream, model } = this.#input
    const { logits, activations, scores, perTarget } = this.#buffers
    const rows = Int32Array.from(this.#rows)
    const options = { targets: Int32Array.from(targets), activation: model.activation, rows }
    if (targets.length > 0) this.#enqueue('reduce', score(stream, logits, options, scores))
    for (const { weights, maps, peaks } of perTarget) {
      this.#enqueue('reduce', camReduce(stream, activations, weights, { rows }, maps, peaks))
    }
  }

  #runBatch(targets: readonly number[]): void {
    this.#forward()
    this.#reduce(targets)
    const done = Promise.all(this.#ops)
    done.catch(() => {})
    this.#underWay.push({ done, size: this.#rows.length })
    this.#ops = []
    this.#rows = []
  }

  /** Waits for the oldest batches until at most `ahead` are under way. */
  async #settle(ahead: number): Promise<void> {
    while (this.#underWay.length > ahead) {
      const oldest = this.#underWay.shift()
      if (oldest === undefined) return
      await oldest.done
      this.#count(oldest.size)
    }
  }

  async #closeBatch(): Promise<void> {
    await Promise.all(this.#ops)
    this.#count(this.#rows.length)
    this.#ops = []
    this.#rows = []
  }

  #count(forwards: number): void {
    this.#forwards += forwards
    this.#input.onForwards(this.#forwards)
  }
}

/**
 * Runs the base view and every window of the plan through the model, once each.
 * @throws SessError `ABORTED`, `OUT_OF_MEMORY`, `MODEL_UNSUPPORTED`
 */
export async function runWindows(input: WindowsInput): Promise<WindowsOutput> {
  const { device, plan, model } = input
  const rows = plan.windows.length + 1
  const buffers = allocateBuffers(device, plan, model, { targets: input.targets.length, rows })
  try {
    const run = new WindowsRun(input, buffers)
    const { logits, targets } = await run.base(plan.baseWindow ?? rows - 1)
    await run.windows(targets, plan.baseWindow)
    const scores = buffers.scores.read()
    const logProbability = (t: number) =>
      new Float64Array(rows).map((_, row) => scores[(row * targets.length + t) * 2 + 1] ?? Number.NaN)
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
