import { contains, photoBox } from '../../sess/geometry.ts'
import { type ReportWindows, windowColumns } from '../document.ts'
import type { Box, Point } from './state.ts'
import { readFloats } from './unpack.ts'

/** One window, as the table shows it. Numbers that are not known are NaN. */
export interface ListedWindow {
  readonly index: number
  readonly level: number
  /** In the photo's pixels. */
  readonly box: Box
  readonly probability: number
  readonly weight: number
  readonly share: number
  readonly isKept: boolean
  /** Of its own map among the maps of the page; -1: none. */
  readonly row: number
}

export type SortKey = 'index' | 'level' | 'probability' | 'weight' | 'share'

/** Which windows are listed, and in which order. */
export interface Listing {
  readonly level: number | undefined
  readonly at: Point | undefined
  readonly key: SortKey
  readonly order: 'ascending' | 'descending'
}

export async function readWindows(windows: ReportWindows, photo: Pick<Box, 'height' | 'width'>) {
  const { count, levels, window } = windows
  const columns = await readFloats(windows.block)
  const value = (name: (typeof windowColumns)[number], i: number) =>
    columns[windowColumns.indexOf(name) * count + i] ?? Number.NaN
  return Array.from({ length: count }, (_, index): ListedWindow => {
    const [level, y, x] = [value('level', index), value('y', index), value('x', index)]
    return {
      index,
      level,
      box: photoBox({ index, level, y, x }, window, levels[level] ?? photo, photo),
      probability: value('probability', index),
      weight: value('weight', index),
      share: value('share', index),
      isKept: value('kept', index) === 1,
      row: value('row', index),
    }
  })
}

/** The windows of a listing; what is not known comes last, and ties stay in window order. */
export function listed(windows: readonly ListedWindow[], { level, at, key, order }: Listing): readonly ListedWindow[] {
  const sign = order === 'ascending' ? 1 : -1
  return windows
    .filter((one) => (level === undefined || one.level === level) && (at === undefined || contains(one.box, at)))
    .sort((a, b) => {
      const [p, q] = [a[key], b[key]]
      if (Number.isNaN(p) || Number.isNaN(q))
        return Number(Number.isNaN(p)) - Number(Number.isNaN(q)) || a.index - b.index
      return sign * (p - q) || a.index - b.index
    })
}
