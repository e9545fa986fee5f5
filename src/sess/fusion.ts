import { SessError } from '../error.ts'
import { type Device, fuse, type Stream, smooth, Tensor, upsample } from '../native.ts'
import type { TargetResult } from './pipeline.ts'
import type { Plan } from './plan.ts'
import { scoreWindows, type WindowScores } from './scores.ts'
import type { Stopwatch } from './stopwatch.ts'

export interface FusionOptions {
  readonly mode: 'mean' | 'max' | 'average'
  readonly theta: number
  /** Share of the windows to drop, in [0, 1). */
  readonly preFilter: number
  /** undefined: off. */
  readonly smoothing: SmoothingKernel | undefined
  /** Also each kept window's own map. */
  readonly keepMaps: boolean
}

/** A Gaussian of `size` x `size` taps. */
interface SmoothingKernel {
  readonly size: number
  readonly sigma: number
}

export interface FusionInput {
  readonly device: Device
  readonly stream: Stream
  readonly clock: Stopwatch
  readonly plan: Plan
  readonly result: TargetResult
}

export interface FusedTarget {
  readonly scores: WindowScores
  /** The photo's height x width, in [0, 1]. */
  readonly map: Float32Array
  /** Kept windows x window height x window width, each in [0, 1]; undefined unless asked for. */
  readonly windowMaps: Float32Array | undefined
}

/**
 * Weighs and pre-filters one target's windows, fuses their maps at the photo's size and smooths the result.
 * @throws SessError `MODEL_NONFINITE` when no window is left, `OUT_OF_MEMORY`, `ABORTED`
 */
export async function fuseTarget(input: FusionInput, options: FusionOptions): Promise<FusedTarget> {
  const scores = scoreWindows(input.result.logProbability, input.result.peaks, options.preFilter)
  const map = await fuseWindows(input, scores, options)
  const windowMaps = options.keepMaps ? await upsampleWindows(input, scores.kept) : undefined
  return { scores, map, windowMaps }
}

/** Where each kept window's map lies and goes: row, level, y, x, as the op takes them. */
function placedWindows(plan: Plan, kept: readonly number[]): Int32Array {
  const places = new Int32Array(4 * kept.length)
  for (const [k, index] of kept.entries()) {
    const window = plan.windows[index]
    if (window !== undefined) places.set([index, window.level, window.y, window.x], 4 * k)
  }
  return places
}

async function fuseWindows(input: FusionInput, scores: WindowScores, options: FusionOptions): Promise<Float32Array> {
  const { device, stream, clock, plan, result } = input
  const shape = [plan.image.height, plan.image.width]
  const map = mapArray(shape)
  const fusion = {
    window: plan.window,
    levels: Int32Array.from(plan.levels.flatMap(({ height, width }) => [height, width])),
    windows: placedWindows(plan, scores.kept),
    weights: Float32Array.from(scores.kept, (index) => scores.weight[index] ?? 0),
    mode: options.mode,
    theta: options.theta,
  }
  const { smoothing } = options
  const out = Tensor.wrap(device, map, shape)
  const fused = smoothing === undefined ? out : new Tensor(device, 'float32', shape)
  try {
    await clock.add('fuse', fuse(stream, result.maps, fusion, fused))
    if (smoothing !== undefined) await clock.add('smooth', smooth(stream, fused, smoothing, out))
  } finally {
    fused.dispose()
    out.dispose()
  }
  return map
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

async function upsampleWindows({ device, stream, clock, plan, result }: FusionInput, kept: readonly number[]) {
  const { height, width } = plan.window
  const shape = [kept.length, height, width]
  const maps = mapArray(shape)
  const out = Tensor.wrap(device, maps, shape)
  try {
    await clock.add('fuse', upsample(stream, result.maps, { rows: Int32Array.from(kept) }, out))
  } finally {
    out.dispose()
  }
  return maps
}
