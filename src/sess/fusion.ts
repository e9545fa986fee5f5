import { SessError } from '../error.ts'
import type { Cam } from '../methods/method.ts'
import { type Device, finish, fold, fuse, type Stream, smooth, Tensor, upsample } from '../native.ts'
import { ResultTensor, valuesOf } from '../result-tensor.ts'
import { type FusedWindows, keptBytes, type Placement, placedWindows } from './fused-windows.ts'
import type { Plan } from './plan.ts'
import { leastWeight, scoreWindows, type WindowScores } from './scores.ts'
import type { Stopwatch } from './stopwatch.ts'
import type { WindowMaps } from './windows-input.ts'

export interface FusionOptions {
  readonly mode: 'mean' | 'max' | 'average'
  readonly theta: number
  /** Share of the windows to drop, in [0, 1). */
  readonly preFilter: number
  /** undefined: off. */
  readonly smoothing: SmoothingKernel | undefined
  /** Also each kept window's own map. */
  readonly keepMaps: boolean
  /** Whether what was fused is kept for questions after the run, where it is not too much. */
  readonly keepFused: boolean
}

/** A Gaussian of `size` x `size` taps. */
interface SmoothingKernel {
  readonly size: number
  readonly sigma: number
}

interface FusionInput {
  readonly device: Device
  readonly stream: Stream
  readonly clock: Stopwatch
  readonly plan: Plan
  readonly rectify: Cam['rectify']
  /** Where they had to be known before any map was made. */
  readonly known: KnownScores | undefined
}

/** Scores of all windows, and those that the pre-filter keeps. */
export interface KnownScores {
  readonly logProbability: Float64Array
  readonly kept: ReadonlySet<number>
}

/** Maps of consecutive windows of the fusion's own plan. */
export interface FusedMaps extends WindowMaps {
  /** Which row of `maps` each window's stands in; in order unless given. */
  readonly rows?: Int32Array
}

export interface FusedTarget {
  readonly scores: WindowScores
  /** The photo's height x width, in [0, 1]. */
  readonly map: Float32Array
  /** Kept windows x window height x window width, each in [0, 1]; undefined unless asked for. */
  readonly windowMaps: Float32Array | undefined
  /** undefined unless asked for, and where the maps were too many. */
  readonly fused: FusedWindows | undefined
}

/**
 * Weighs and pre-filters one target's windows, fuses their maps at the photo's size and smooths the result. Maps come
 * all at once, or, where they would take too much memory, chunk by chunk: then they are weighed by the largest score so
 * far, and when a larger one comes the sums are scaled down to it. What a threshold or a pre-filter asks of the scores
 * of all windows must be known before that: `chosen`.
 */
export class TargetFusion implements Disposable {
  readonly #input: FusionInput
  readonly #options: FusionOptions
  readonly #logProbability: Float64Array
  readonly #peaks: Float32Array
  readonly #fused: Tensor<'float32'>
  #windowMaps: Float32Array | undefined
  #fusedWindows: FusedWindows | undefined
  /** 2 x H x W, once a first chunk has come. */
  #sums: Tensor<'float32'> | undefined
  #best = Number.NEGATIVE_INFINITY

  /** @throws SessError `OUT_OF_MEMORY` */
  constructor(input: FusionInput, options: FusionOptions) {
    const { height, width } = input.plan.image
    this.#input = input
    this.#options = options
    this.#logProbability = input.known?.logProbability ?? new Float64Array(input.plan.windows.length).fill(Number.NaN)
    if (input.known !== undefined) this.#best = largest(input.known.logProbability, this.#best)
    this.#peaks = new Float32Array(input.plan.windows.length)
    this.#fused = new Tensor(input.device, 'float32', [height, width])
  }

  /** @throws SessError `MODEL_NONFINITE` when no window is left, `OUT_OF_MEMORY`, `ABORTED` */
  async add(part: FusedMaps): Promise<void> {
    if (this.#input.known === undefined) this.#logProbability.set(part.logProbability, part.first)
    const { known } = this.#input
    // Windows that were not chosen were not run: what stands in their rows is of others
    const peaks = part.peaks.map((peak, i) => ((known?.kept.has(part.first + i) ?? true) ? peak : 0))
    this.#peaks.set(peaks, part.first)
    if (part.peaks.length === this.#peaks.length) await this.#fuseAll(part)
    else await this.#foldPart(part)
  }

  /** @throws SessError `MODEL_NONFINITE` when no window is left, `OUT_OF_MEMORY`, `ABORTED` */
  async finish(): Promise<FusedTarget> {
    const { stream, clock } = this.#input
    const scores = this.#scores()
    if (this.#sums !== undefined) {
      const options = { mode: this.#options.mode, windows: scores.kept.length }
      await clock.add('fuse', finish(stream, this.#sums, options, this.#fused))
    }
    return { scores, map: await this.#smoothed(), windowMaps: this.#windowMaps, fused: this.#fusedWindows }
  }

  [Symbol.dispose](): void {
    this.#fused.dispose()
    this.#sums?.dispose()
  }

  #scores(): WindowScores {
    return scoreWindows(this.#logProbability, this.#peaks, this.#options.preFilter)
  }

  async #fuseAll(part: FusedMaps): Promise<void> {
    const { stream, clock, plan } = this.#input
    const { keepMaps, keepFused } = this.#options
    const { kept, weight } = this.#scores()
    const weights = Float32Array.from(kept, (index) => weight[index] ?? 0)
    const placement = this.#placement(kept, part, weights)
    await clock.add('fuse', fuse(stream, part.maps, placedWindows(plan, placement), this.#fused))
    if (keepMaps) this.#windowMaps = await this.#upsampled(part, kept)
    const [rows = 0, height = 0, width = 0] = part.maps.shape
    if (!keepFused || keptBytes(rows, height * width, keepMaps) === 0) return
    this.#fusedWindows = { ...placement, maps: await valuesOf(stream, part.maps), grid: { height, width } }
  }

  async #foldPart(part: FusedMaps): Promise<void> {
    const { first, peaks, maps } = part
    const { device, stream, clock, plan, known } = this.#input
    const logProbability = this.#logProbability.subarray(first, first + peaks.length)
    const isKept = (i: number) =>
      !Number.isNaN(logProbability[i]) && !Number.isNaN(peaks[i]) && (known?.kept.has(first + i) ?? true)
    const kept = [...logProbability.keys()].filter(isKept)
    if (kept.length === 0) return
    const best = largest(logProbability, this.#best)
    const shrinking = this.#sums === undefined ? 0 : Math.max(Math.exp(this.#best - best), Number.MIN_VALUE)
    this.#sums ??= new Tensor(device, 'float32', [2, plan.image.height, plan.image.width])
    this.#best = best
    const weights = Float32Array.from(kept, (i) =>
      Math.max(Math.exp((logProbability[i] ?? Number.NaN) - best), leastWeight),
    )
    const indices = kept.map((i) => first + i)
    const options = { ...placedWindows(plan, this.#placement(indices, part, weights)), rescale: shrinking }
    await clock.add('fuse', fold(stream, maps, options, this.#sums))
  }

  #placement(kept: readonly number[], part: FusedMaps, weights: Float32Array): Placement {
    const { mode, theta } = this.#options
    const rows = Int32Array.from(kept, (index) => rowOf(part, index))
    return { kept, rows, weights, rectify: this.#input.rectify === 'samples', mode, theta }
  }

  async #smoothed(): Promise<Float32Array> {
    const { device, stream, clock, plan } = this.#input
    const { smoothing } = this.#options
    if (smoothing === undefined) return await valuesOf(stream, this.#fused)
    const shape = [plan.image.height, plan.image.width]
    using out = ResultTensor.float32(device, mapArray(shape), shape)
    await clock.add('smooth', smooth(stream, this.#fused, smoothing, out.tensor))
    return await out.values(stream)
  }

  async #upsampled(part: FusedMaps, kept: readonly number[]): Promise<Float32Array> {
    const { device, stream, clock, plan, rectify } = this.#input
    const shape = [kept.length, plan.window.height, plan.window.width]
    const rows = Int32Array.from(kept, (index) => rowOf(part, index))
    using out = ResultTensor.float32(device, mapArray(shape), shape)
    await clock.add('fuse', upsample(stream, part.maps, { rows, rectify: rectify === 'samples' }, out.tensor))
    return await out.values(stream)
  }
}

/** The row of a window's map. */
function rowOf({ first, rows }: FusedMaps, index: number): number {
  return rows === undefined ? index - first : (rows[index - first] ?? 0)
}

/** The log-probability that counts as a weight of 1: the largest so far. */
function largest(logProbability: Float64Array, soFar: number): number {
  return logProbability.reduce((top, value) => (value > top ? value : top), soFar)
}

/** Memory for results of this shape in JavaScript's own heap. */
function mapArray(shape: readonly number[]): Float32Array {
  const elements = shape.reduce((product, side) => product * side, 1)
  try {
    return new Float32Array(elements)
  } catch (cause) {
    const what = `Maps of ${shape.join(' x ')} values (${Math.ceil(elements / 2.5e8)} GB) cannot be allocated`
    throw new SessError('OUT_OF_MEMORY', `${what}: take fewer windows, or leave out keepMaps.`, { cause })
  }
}
