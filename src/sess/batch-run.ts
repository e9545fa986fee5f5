import { accumulate, camReduce, grey, noise, occlusionReduce, riseReduce, score, type Tensor } from '../native.ts'
import { type Buffers, inputsOf, type TargetBuffers } from './buffers.ts'
import { MaskRun } from './mask-run.ts'
import type { PlannedCopies } from './mask-set.ts'
import type { TimedPhase } from './stopwatch.ts'
import type { WindowsInput } from './windows-input.ts'
import { WorkAhead } from './work-ahead.ts'

/**
 * One batch after the other: what stands in the model's input goes through the model, and leaves scores and maps. Ops
 * are enqueued ahead of results.
 */
export class BatchRun {
  readonly #input: WindowsInput
  readonly #buffers: Buffers
  readonly #work: WorkAhead
  readonly #masks: MaskRun | undefined
  /** Windows that stand in the model's input, by row. */
  #rows: number[] = []
  /** The window whose map goes to row 0. */
  firstMap = 0

  constructor(input: WindowsInput, buffers: Buffers) {
    this.#input = input
    this.#buffers = buffers
    this.#work = new WorkAhead(input.clock, input.onForwards)
    const { copies } = input
    if (copies.kind === 'masked') this.#masks = new MaskRun(input, copies, buffers, this.#work)
  }

  get rows(): readonly number[] {
    return this.#rows
  }

  /** Forward passes that have run. */
  get forwards(): number {
    return this.#work.ran
  }

  /** Enqueues the op that puts these windows into the next rows of the model's input. */
  put(windows: readonly number[], phase: TimedPhase, op: Promise<number>): void {
    this.enqueue(phase, op)
    this.#rows.push(...windows)
  }

  /** Enqueues an op that the next unit of work waits for. */
  enqueue(phase: TimedPhase, op: Promise<number>): void {
    this.#work.enqueue(phase, op)
  }

  /** The first pass: the base view's logits, before its class need be known. */
  async logits(): Promise<Float32Array> {
    const { input, logits } = this.#buffers
    this.#forward(input, logits)
    await this.#work.finish()
    return logits.read(1)
  }

  /** Ends the first pass, whose logits gave the targets. */
  async endBase(targets: readonly number[]): Promise<void> {
    this.#score(targets)
    const { plan, chosen } = this.#input
    if (plan.baseWindow !== null && (chosen?.has(plan.baseWindow) ?? true)) await this.#maps(targets)
    await this.end()
  }

  /** Runs the batch: scores and maps of each of its windows. */
  async run(targets: readonly number[]): Promise<void> {
    const { input, logits } = this.#buffers
    this.#forward(input, logits)
    this.#score(targets)
    await this.#maps(targets)
    this.#work.close(0)
    this.#rows = []
    await this.#work.makeRoom()
  }

  /** The same for a batch whose last row is the base view, which has scores and no map: its logits. */
  async runWithBase(targets: readonly number[]): Promise<Float32Array> {
    const { input, logits } = this.#buffers
    const count = this.#rows.length
    this.#forward(input, logits)
    this.#score(targets)
    this.#rows = this.#rows.slice(0, -1)
    if (this.#rows.length > 0) await this.#maps(targets)
    await this.end()
    return logits.read(1, count - 1)
  }

  /** Waits for all that was enqueued. */
  async end(): Promise<void> {
    this.#rows = []
    await this.#work.finish()
  }

  /** A batch or a copy of it through the model. Counts as forward passes when it is done. */
  #forward(input: Tensor<'float32'>, logits: Tensor<'float32'>): void {
    const { stream, model } = this.#input
    const { outputs } = this.#buffers
    const rows = this.#rows.length
    const bindings = {
      inputs: inputsOf(model, input, this.#buffers),
      outputs: { [model.logits]: logits, ...Object.fromEntries(outputs) },
      rows,
    }
    this.enqueue('inference', model.session.run(stream, bindings))
    this.#work.close(rows)
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
  async #maps(targets: readonly number[]): Promise<void> {
    const { copies } = this.#input
    if (copies.kind === 'noise' || copies.kind === 'path') await this.#averageCopies(copies)
    await this.#masks?.weigh(this.#rows.length, targets)
    const rows = Int32Array.from(this.#rows, (index) => index - this.firstMap)
    for (const target of this.#buffers.perTarget) this.enqueue('reduce', this.#reduce(target, rows))
  }

  #reduce({ source, maps, peaks }: TargetBuffers, rows: Int32Array): Promise<number> {
    const { stream, model, seed } = this.#input
    switch (source.kind) {
      case 'cam': {
        const options = { rows, rectify: source.rectify === 'cells' }
        return camReduce(stream, source.features, source.weights, options, maps, peaks)
      }
      case 'pixels':
        return grey(stream, source.mean ?? source.gradient, { rows, layout: model.layout }, maps, peaks)
      case 'random': {
        const { grid, keep } = source
        return riseReduce(stream, source.weights, { rows, seed, grid, keep }, maps, peaks)
      }
      case 'squares': {
        const size = { height: source.side, width: source.side }
        return occlusionReduce(stream, source.weights, { rows, squares: source.origins, size }, maps, peaks)
      }
    }
  }

  /** Runs the copies and averages what each says. The first pass, of the batch itself, only gave its scores. */
  async #averageCopies(copies: Extract<PlannedCopies, { kind: 'noise' | 'path' }>): Promise<void> {
    const { copy, perTarget } = this.#buffers
    if (copy === undefined) return
    for (let k = 0; k < copies.count; k++) {
      this.#makeCopy(copies, k, copy.input)
      this.#forward(copy.input, copy.logits)
      const share = copies.kind === 'noise' ? 1 / copies.count : 1 / (copies.count * pathPosition(copies.count, k))
      for (const target of perTarget) this.#accumulate(target, share, k)
      await this.#work.makeRoom()
    }
  }

  #makeCopy(copies: Extract<PlannedCopies, { kind: 'noise' | 'path' }>, k: number, copy: Tensor<'float32'>): void {
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

  #accumulate({ source }: TargetBuffers, factor: number, k: number): void {
    if (source.kind !== 'pixels' || source.mean === undefined) return
    const options = { rows: this.#rows.length, factor, mode: k === 0 ? 'set' : 'add' } as const
    this.enqueue('reduce', accumulate(this.#input.stream, source.gradient, options, source.mean))
  }
}

/** The middle of the k-th of `count` equal steps from 0 to 1. */
function pathPosition(count: number, k: number): number {
  return (k + 0.5) / count
}
