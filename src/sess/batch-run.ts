import type { Copies } from '../methods/method.ts'
import { accumulate, camReduce, grey, type Milliseconds, noise, score, type Tensor } from '../native.ts'
import type { Buffers, MapSource } from './buffers.ts'
import type { WindowsInput } from './pipeline.ts'
import type { TimedPhase } from './stopwatch.ts'

/** Passes and reductions enqueued ahead: the queue never runs dry, and no more than this waits behind an abort. */
const unitsAhead = 4

/**
 * One batch after the other: what stands in the model's input goes through the model, and leaves scores and maps. Ops
 * are enqueued ahead of results.
 */
export class BatchRun {
  readonly #input: WindowsInput
  readonly #buffers: Buffers
  /** Windows that stand in the model's input, by row. */
  #rows: number[] = []
  #ops: Promise<void>[] = []
  readonly #underWay: { readonly done: Promise<unknown>; readonly forwards: number }[] = []
  #forwards = 0
  /** The window whose map goes to row 0. */
  firstMap = 0

  constructor(input: WindowsInput, buffers: Buffers) {
    this.#input = input
    this.#buffers = buffers
  }

  get rows(): readonly number[] {
    return this.#rows
  }

  /** Enqueues the op that puts these windows into the next rows of the model's input. */
  put(windows: readonly number[], phase: TimedPhase, op: Promise<Milliseconds>): void {
    this.enqueue(phase, op)
    this.#rows.push(...windows)
  }

  /** Enqueues an op that the next unit of work waits for. */
  enqueue(phase: TimedPhase, op: Promise<Milliseconds>): void {
    const timed = this.#input.clock.add(phase, op)
    timed.catch(() => {}) // seen when its unit is settled, unless an earlier one fails first
    this.#ops.push(timed)
  }

  /** The first pass: the base view's logits, before its class need be known. */
  async logits(): Promise<Float32Array> {
    const { input, logits } = this.#buffers
    this.#forward(input, logits)
    await this.#settle(0)
    return logits.read(1)
  }

  /** Ends the first pass, whose logits gave the targets. */
  async endBase(targets: readonly number[]): Promise<void> {
    this.#score(targets)
    const { plan, chosen } = this.#input
    if (plan.baseWindow !== null && (chosen?.has(plan.baseWindow) ?? true)) await this.#maps()
    await this.end()
  }

  /** Runs the batch: scores and maps of each of its windows. */
  async run(targets: readonly number[]): Promise<void> {
    const { input, logits } = this.#buffers
    this.#forward(input, logits)
    this.#score(targets)
    await this.#maps()
    this.#close(0)
    this.#rows = []
    await this.#settle(unitsAhead)
  }

  /** Waits for all that was enqueued. */
  async end(): Promise<void> {
    this.#close(0)
    this.#rows = []
    await this.#settle(0)
  }

  /** A batch or a copy of it through the model. Counts as forward passes when it is done. */
  #forward(input: Tensor<'float32'>, logits: Tensor<'float32'>): void {
    const { stream, model } = this.#input
    const { outputs, perTarget } = this.#buffers
    const inputs: Record<string, Tensor> = { [model.imageInput]: input }
    for (const [t, seed] of model.seeds.entries()) {
      const target = perTarget[t]
      if (target !== undefined) inputs[seed.classes] = target.classes
      if (seed.coefficients !== undefined && target?.coefficients) inputs[seed.coefficients] = target.coefficients
    }
    const bindings = {
      inputs,
      outputs: { [model.logits]: logits, ...Object.fromEntries(outputs) },
      rows: this.#rows.length,
    }
    this.enqueue('inference', model.session.run(stream, bindings))
    this.#close(this.#rows.length)
  }

  /** Scores of the batch that went through the model last. */
  #score(targets: readonly number[]): void {
    const { stream, model } = this.#input
    const { logits, scores } = this.#buffers
    const rows = Int32Array.from(this.#rows)
    const options = { targets: Int32Array.from(targets), activation: model.activation, rows }
    if (targets.length > 0) this.enqueue('reduce', score(stream, logits, options, scores))
  }

  /** The maps of the batch that went through the model last, from copies of it where the method asks for some. */
  async #maps(): Promise<void> {
    await this.#averageCopies()
    const { stream, model } = this.#input
    const rows = Int32Array.from(this.#rows, (index) => index - this.firstMap)
    for (const { source, maps, peaks } of this.#buffers.perTarget) {
      const op =
        source.kind === 'cam'
          ? camReduce(stream, source.features, source.weights, { rows, rectify: true }, maps, peaks)
          : grey(stream, source.mean ?? source.gradient, { rows, layout: model.layout }, maps, peaks)
      this.enqueue('reduce', op)
    }
  }

  /** Runs the copies and averages what each says. The first pass, of the batch itself, only gave its scores. */
  async #averageCopies(): Promise<void> {
    const { copies } = this.#input
    const { copy, perTarget } = this.#buffers
    if (copies.kind === 'none' || copy === undefined) return
    for (let k = 0; k < copies.count; k++) {
      this.#makeCopy(copies, k, copy.input)
      this.#forward(copy.input, copy.logits)
      const share = copies.kind === 'noise' ? 1 / copies.count : 1 / (copies.count * pathPosition(copies.count, k))
      for (const { source } of perTarget) this.#accumulate(source, share, k)
      await this.#settle(unitsAhead)
    }
  }

  #makeCopy(copies: Exclude<Copies, { kind: 'none' }>, k: number, copy: Tensor<'float32'>): void {
    const { stream, seed } = this.#input
    const { input } = this.#buffers
    if (copies.kind === 'noise') {
      const options = { windows: Int32Array.from(this.#rows), copy: k, seed, strength: copies.strength }
      this.enqueue('gather', noise(stream, input, options, copy))
    } else {
      const options = { rows: this.#rows.length, factor: pathPosition(copies.count, k), mode: 'set' } as const
      this.enqueue('gather', accumulate(stream, input, options, copy))
    }
  }

  #accumulate(source: MapSource, factor: number, k: number): void {
    if (source.kind === 'cam' || source.mean === undefined) return
    const options = { rows: this.#rows.length, factor, mode: k === 0 ? 'set' : 'add' } as const
    this.enqueue('reduce', accumulate(this.#input.stream, source.gradient, options, source.mean))
  }

  /** Ends a unit of work: once its ops are done, so many forward passes are. */
  #close(forwards: number): void {
    const done = Promise.all(this.#ops)
    done.catch(() => {})
    this.#underWay.push({ done, forwards })
    this.#ops = []
  }

  /** Waits for the oldest units until at most `ahead` are under way. */
  async #settle(ahead: number): Promise<void> {
    while (this.#underWay.length > ahead) {
      const oldest = this.#underWay.shift()
      if (oldest === undefined) return
      await oldest.done
      if (oldest.forwards === 0) continue
      this.#forwards += oldest.forwards
      this.#input.onForwards(this.#forwards)
    }
  }
}

/** The middle of the k-th of `count` equal steps from 0 to 1. */
function pathPosition(count: number, k: number): number {
  return (k + 0.5) / count
}
