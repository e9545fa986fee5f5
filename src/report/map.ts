import type { Plane } from '../io/npy.ts'
import { type ColourOptions, peakOf, shownRange } from '../render/overlay.ts'
import type { Blocks } from './blocks.ts'
import type { ReportMap } from './document.ts'
import { factorFor, reduced } from './reduce.ts'

/** Values of one map, and of all maps of a page: 4 MiB each before compression, and 8 in all. */
const most = { one: 1 << 20, all: 1 << 21 } as const

/** The map as the page holds it: exact where it is small, else means of squares of pixels. `count`: maps of the page. */
export async function gridOf(blocks: Blocks, map: Plane, count: number): Promise<ReportMap['grid']> {
  const limit = Math.max(1, Math.min(most.one, Math.floor(most.all / count)))
  const { data, height, width, factor } = await reduced(map, factorFor(map, limit))
  return { height, width, factor, block: await blocks.floats(data) }
}

/** Maximum of the map itself, and what its colours run between. */
export async function coloursOf(map: Plane, options: ColourOptions): Promise<Pick<ReportMap, 'range' | 'maximum'>> {
  const maximum = await peakOf(map.data)
  return { range: shownRange(options, maximum), maximum }
}
