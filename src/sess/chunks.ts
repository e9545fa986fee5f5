import type { Plan } from './plan.ts'

/** Maps that are held at once, before they are fused: 1,300 windows of 224 x 224 pixels for one target. */
const mostMapBytes = 256 << 20

/** Windows in index order whose maps are held at once: from `first` to before `end`. */
export interface Chunk {
  readonly first: number
  readonly end: number
}

/**
 * The windows in as few chunks as memory allows, so that it does not grow with their number. Maps on a layer's grid are
 * small; those of pixel methods are as large as the window.
 * @param cells values of one window's maps, all targets together
 */
export function chunksOf(plan: Plan, cells: number, keepMaps: boolean): readonly Chunk[] {
  const windows = plan.windows.length
  const fits = keepMaps ? windows : Math.max(plan.batch, Math.floor(mostMapBytes / (4 * Math.max(1, cells))))
  const count = Math.ceil(windows / fits)
  const size = Math.ceil(windows / count)
  return Array.from({ length: count }, (_, i) => ({ first: i * size, end: Math.min((i + 1) * size, windows) }))
}
