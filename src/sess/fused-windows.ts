import type { Size } from '../native.ts'
import type { Plan } from './plan.ts'

/** Maps kept for questions after the run: 300,000 on a grid of 7 x 7, or 334 of 224 x 224 pixels. */
const mostKeptBytes = 64 << 20

/** What one map was fused from, kept for what is asked about it afterwards. */
export interface FusedWindows extends Placement {
  /** All windows' maps as the method left them, N x u x v. */
  readonly maps: Float32Array
  /** u x v. */
  readonly grid: Size
}

/** Windows, and how they are fused. */
export interface Placement {
  /** Indices of the windows, ascending. */
  readonly kept: readonly number[]
  /** Row of each window's map. */
  readonly rows: Int32Array
  readonly weights: Float32Array
  readonly rectify: boolean
  readonly mode: 'mean' | 'max' | 'average'
  readonly theta: number
}

/** Bytes of one target's maps of `cells` values that are kept; 0 where there are too many, unless all are asked for. */
export function keptBytes(windows: number, cells: number, keepMaps: boolean): number {
  const bytes = 4 * windows * cells
  return keepMaps || bytes <= mostKeptBytes ? bytes : 0
}

/** Where each of the windows' maps lies and goes, as the native ops take them. */
export function placedWindows(plan: Plan, { kept, rows, weights, rectify, mode, theta }: Placement) {
  const windows = new Int32Array(4 * kept.length)
  for (const [k, index] of kept.entries()) {
    const window = plan.windows[index]
    if (window !== undefined) windows.set([rows[k] ?? 0, window.level, window.y, window.x], 4 * k)
  }
  const levels = Int32Array.from(plan.levels.flatMap(({ height, width }) => [height, width]))
  return { window: plan.window, levels, windows, weights, mode, theta, rectify }
}
