/** Milliseconds of each phase of one explanation. Ops report the time they took themselves, waiting excluded. */
export interface Timings {
  readonly decode: number
  readonly pyramid: number
  readonly gather: number
  readonly inference: number
  readonly reduce: number
  readonly fuse: number
  readonly smooth: number
  /** Wall time of the whole call. */
  readonly total: number
}

export type TimedPhase = Exclude<keyof Timings, 'total'>

/** Adds up what the phases of one call take. */
export class Stopwatch {
  readonly #start = performance.now()
  readonly #phases = { decode: 0, pyramid: 0, gather: 0, inference: 0, reduce: 0, fuse: 0, smooth: 0 }

  /** Adds an op's own milliseconds to a phase when it is done. */
  async add(phase: TimedPhase, op: Promise<number>): Promise<void> {
    const milliseconds = await op // first: others add to the phase meanwhile
    this.#phases[phase] += milliseconds
  }

  /** Adds the wall time of `work` to a phase. */
  async wall<T>(phase: TimedPhase, work: Promise<T>): Promise<T> {
    const start = performance.now()
    const result = await work
    this.#phases[phase] += performance.now() - start
    return result
  }

  timings(): Timings {
    return { ...this.#phases, total: performance.now() - this.#start }
  }
}
