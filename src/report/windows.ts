import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Evidence, TopWindow } from '../evidence.ts'
import type { FusedWindows } from '../sess/fused-windows.ts'
import type { Blocks } from './blocks.ts'
import { type ReportWindows, windowColumns } from './document.ts'

/** Values of the windows' own maps of a page: a megabyte before compression. */
const mostMapValues = 1 << 18

/** The windows as columns. `maps`: how many the page has. `shares`: of those that carry the map; none, or null, where shares are not known. */
export async function windowsOf(
  blocks: Blocks,
  { plan, windows, fused }: Evidence,
  maps: number,
  shares?: readonly Pick<TopWindow, 'index' | 'share'>[],
): Promise<ReportWindows> {
  const { window, levels } = plan
  const count = windows.length
  const values = new Float32Array(windowColumns.length * count)
  const column = (name: (typeof windowColumns)[number]) => {
    const start = windowColumns.indexOf(name) * count
    return values.subarray(start, start + count)
  }
  const [level, y, x] = [column('level'), column('y'), column('x')]
  const [probability, weight, kept] = [column('probability'), column('weight'), column('kept')]
  for (const [i, one] of windows.entries()) {
    if (i % 4096 === 4095) await yieldToLoop()
    level[i] = one.level
    y[i] = one.y
    x[i] = one.x
    probability[i] = one.probability
    weight[i] = one.weight
    kept[i] = one.kept ? 1 : 0
  }
  const areKnown = shares?.every(({ share }) => share !== null) ?? false
  const share = column('share').fill(areKnown ? 0 : Number.NaN)
  for (const one of shares ?? []) if (one.share !== null) share[one.index] = one.share
  const row = column('row').fill(-1)
  const small = fused !== undefined && areSmall(fused, mostMapValues / maps) ? fused : undefined
  for (const [k, index] of (small?.kept ?? []).entries()) row[index] = k
  return {
    ...{ window, levels, count, block: await blocks.floats(values) },
    maps: small && { ...small.grid, rectify: small.rectify, block: await blocks.floats(keptMaps(small)) },
  }
}

function areSmall({ kept, grid }: FusedWindows, most: number): boolean {
  return kept.length * grid.height * grid.width <= most
}

/** Maps of the kept windows, in window order. */
function keptMaps({ kept, rows, maps, grid }: FusedWindows): Float32Array {
  const cells = grid.height * grid.width
  const own = new Float32Array(kept.length * cells)
  for (let k = 0; k < kept.length; k++) {
    const start = (rows[k] ?? 0) * cells
    own.set(maps.subarray(start, start + cells), k * cells)
  }
  return own
}
