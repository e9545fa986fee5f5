import type { Milliseconds } from '../native.ts'
import type { Stopwatch, TimedPhase } from './stopwatch.ts'

/** Units of work enqueued ahead: the queue never runs dry, and no more than this waits behind an abort. */
const unitsAhead = 4

/** Ops enqueued in units, ahead of their results. Forward passes count when their unit is done. */
export class WorkAhead {
  readonly #clock: Stopwatch
  readonly #onForwards: (done: number) => void
  #ops: Promise<void>[] = []
  readonly #underWay: { readonly done: Promise<unknown>; readonly forwards: number }[] = []
  #forwards = 0
  #skipped = 0

  constructor(clock: Stopwatch, onForwards: (done: number) => void) {
    this.#clock = clock
    this.#onForwards = onForwards
  }

  /** Adds an op to the unit under way. */
  enqueue(phase: TimedPhase, op: Promise<Milliseconds>): void {
    const timed = this.#clock.add(phase, op)
    timed.catch(() => {}) // seen when its unit is settled, unless an earlier one fails first
    this.#ops.push(timed)
  }

  /** Ends a unit: once its ops are done, so many forward passes are. */
  close(forwards: number): void {
    const done = Promise.all(this.#ops)
    done.catch(() => {})
    this.#underWay.push({ done, forwards })
    this.#ops = []
  }

  /** Counts forward passes that are not worth running as done. */
  skip(forwards: number): void {
    this.#skipped += forwards
    this.close(forwards)
  }

  /** Forward passes that have run. */
  get ran(): number {
    return this.#forwards - this.#skipped
  }

  /** Waits until so few units are under way that the next may be enqueued. */
  async makeRoom(): Promise<void> {
    await this.#settle(unitsAhead)
  }

  /** Ends the unit and waits for all that was enqueued. */
  async finish(): Promise<void> {
    this.close(0)
    await this.#settle(0)
  }

  /** Waits for the oldest units until at most `ahead` are under way. */
  async #settle(ahead: number): Promise<void> {
    while (this.#underWay.length > ahead) {
      const oldest = this.#underWay.shift()
      if (oldest === undefined) return
      await oldest.done
      if (oldest.forwards === 0) continue
      this.#forwards += oldest.forwards
      this.#onForwards(this.#forwards)
    }
  }
}
