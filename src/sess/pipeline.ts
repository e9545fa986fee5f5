import { invalidOption, SessError } from '../error.ts'
import { gather, patches, pyramid, type Rect, type Resize, type Size } from '../native.ts'
import { bandsOf, overlapLittle } from './bands.ts'
import { BatchRun } from './batch-run.ts'
import { allocateBuffers, type Buffers, disposeBuffers } from './buffers.ts'
import type { Chunk } from './chunks.ts'
import type { PlannedWindow } from './geometry.ts'
import { windowsByLevel } from './plan.ts'
import type { WindowsInput } from './windows-input.ts'

interface WindowsOutput {
  /** Logits of the base view, K. */
  readonly baseLogits: Float32Array
  /** Classes of the targets, in order. */
  readonly targets: readonly number[]
  /** Of each target, log p of every window. */
  readonly logProbabilities: readonly Float64Array[]
  /** Forward passes that ran; flat masks need none. */
  readonly forwards: number
}

/** Lowest index of the largest logit. */
function argmax(logits: Float32Array): number {
  if (!logits.every(Number.isFinite)) {
    const what = 'The model gives logits that are not finite for the whole photo, so it has no top-1'
    throw new SessError('MODEL_NONFINITE', `${what}: name a target, or check the preprocessing (mean, std).`)
  }
  return logits.reduce((best, value, i) => (value > (logits[best] ?? value) ? i : best), 0)
}

/** The passage of one call's windows through the model: each is cut out of its level into the model's input. */
class WindowsRun {
  readonly #input: WindowsInput
  readonly #buffers: Buffers
  readonly #batch: BatchRun
  /** Whether the base view goes through the model with the last windows: a pass of its own leaves a GPU almost idle. */
  readonly #baseComesLast: boolean
  #baseLogits: Float32Array = new Float32Array()

  constructor(input: WindowsInput, buffers: Buffers) {
    const { plan, targets, copies } = input
    this.#input = input
    this.#buffers = buffers
    this.#batch = new BatchRun(input, buffers)
    const areKnown = targets.length > 0 && targets.every(({ target }) => target >= 0)
    this.#baseComesLast = areKnown && copies.kind === 'none' && plan.baseWindow === null
  }

  /** Logits of the base view, K; known once all has run. */
  get baseLogits(): Float32Array {
    return this.#baseLogits
  }

  /** Sets the targets, and finds those that are -1: the argmax of the base view, which is then the first pass. */
  async begin(): Promise<readonly number[]> {
    const given = this.#input.targets.map(({ target }) => target)
    const known = this.#baseComesLast ? given : await this.#baseFirst(given)
    for (const [t, { coefficients }] of this.#input.targets.entries()) refuseCancelled(known[t] ?? 0, coefficients)
    // Before the maps: copies of the base view ask for these classes, whatever their own argmax is
    this.#setTargets(known, this.#input.plan.batch)
    if (!this.#baseComesLast) await this.#batch.endBase(known)
    return known
  }

  async #baseFirst(given: readonly number[]): Promise<readonly number[]> {
    this.#setTargets(given, 1)
    this.#cutBase()
    this.#baseLogits = await this.#batch.logits()
    return given.map((target) => (target < 0 ? argmax(this.#baseLogits) : target))
  }

  #cutBase(): void {
    const { plan } = this.#input
    const whole = { y: 0, x: 0, ...plan.window }
    this.#resize(plan.window, whole, 'antialias')
    this.#gather([{ index: plan.baseWindow ?? plan.windows.length, level: 0, y: 0, x: 0 }], whole)
  }

  /** Forward passes that have run. */
  get forwards(): number {
    return this.#batch.forwards
  }

  /** Every window of the chunk that is asked for; the base view is done, or comes with the last of them. */
  async windows(targets: readonly number[], { first, end }: Chunk): Promise<void> {
    const { plan, model, chosen } = this.#input
    this.#batch.firstMap = first
    const asked = (windows: readonly PlannedWindow[]) =>
      windows.filter(({ index }) => {
        const isWithin = index >= first && index < end && index !== plan.baseWindow
        return isWithin && (chosen?.has(index) ?? true)
      })
    const filter = plan.antialias ? 'antialias' : 'bilinear'
    for (const [level, windows] of windowsByLevel(plan).entries()) {
      const size = plan.levels[level] ?? plan.window
      if (asked(windows).length === 0) continue
      if (model.layout === 'NCHW' && overlapLittle(windows.length, plan.window, size, plan.image)) {
        await this.#fill(asked(windows), targets, (some) => this.#patches(some, size, filter))
        continue
      }
      for (const band of bandsOf(level, windows, plan.window)) {
        const some = asked(band.windows)
        if (some.length === 0) continue
        this.#resize(size, band.rect, filter)
        await this.#fill(some, targets, (few) => this.#gather(few, band.rect))
      }
    }
    if (this.#baseComesLast && end === plan.windows.length) {
      this.#cutBase()
      this.#baseLogits = await this.#batch.runWithBase(targets)
    } else if (this.#batch.rows.length > 0) {
      await this.#batch.run(targets)
    }
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

/** A logit minus itself is zero everywhere, and its map would be blank. */
function refuseCancelled(target: number, coefficients: Float32Array | undefined): void {
  if (coefficients?.[target] !== -1 || coefficients.some((value, index) => value !== 0 && index !== target)) return
  throw invalidOption('against', target, 'another class than the one that is explained')
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
  const { device, plan, model, chunks, copies } = input
  const buffers = allocateBuffers(device, plan, model, { copies, chunks, targets: input.targets.length })
  try {
    const run = new WindowsRun(input, buffers)
    const targets = await run.begin()
    for (const chunk of chunks) {
      await run.windows(targets, chunk)
      const { first, end } = chunk
      for (const [t, { maps, peaks }] of buffers.perTarget.entries()) {
        const logProbability = logProbabilities(buffers, targets.length, t).subarray(first, end)
        await input.onMaps(t, { first, logProbability, maps, peaks: peaks.read(end - first) })
      }
    }
    return {
      baseLogits: run.baseLogits,
      targets,
      logProbabilities: targets.map((_, t) => logProbabilities(buffers, targets.length, t)),
      forwards: run.forwards,
    }
  } finally {
    disposeBuffers(buffers)
  }
}

/** log p of every window for target `t`, as far as they have run. */
function logProbabilities({ scores }: Buffers, targets: number, t: number): Float64Array {
  const all = scores.read()
  return new Float64Array(all.length / (2 * targets) - 1).map(
    (_, row) => all[(row * targets + t) * 2 + 1] ?? Number.NaN,
  )
}
