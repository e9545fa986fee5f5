import { SessError } from '../error.ts'

/** One line of pictures across a page: of every explanation the same level, beside each other. */
export interface PageLine {
  readonly level: number
  /** Place of the line's first picture among those of its level. */
  readonly first: number
}

export interface PatchLayout {
  /** Pictures beside each other, of each explanation. */
  readonly across: number
  readonly pages: readonly (readonly PageLine[])[]
}

/** Pictures across a page, of all explanations together; each has two at least. */
const mostAcross = 10
const fewestEach = 2
/** Lines of pictures on a page. */
const mostLines = 24
const mostPages = 100
/** Explanations beside each other: as many as charts have colours. */
export const mostBeside = 10

/**
 * Which pictures stand on which page. It follows from how many there are, so that it is known before anything is run.
 * @param counts of each explanation, the pictures of each level
 * @throws SessError `OPTION_INVALID` where pages would be too many
 */
export function patchLayout(counts: readonly (readonly number[])[]): PatchLayout {
  const across = Math.max(fewestEach, Math.floor(mostAcross / Math.max(1, counts.length)))
  const levels = Math.max(0, ...counts.map(({ length }) => length))
  const lines = Array.from({ length: levels }, (_, level) => {
    const longest = Math.max(...counts.map((ofLevels) => ofLevels[level] ?? 0))
    return Array.from({ length: Math.ceil(longest / across) }, (_, i) => ({ level, first: i * across }))
  }).flat()
  const pages = Array.from({ length: Math.ceil(lines.length / mostLines) }, (_, page) =>
    lines.slice(page * mostLines, (page + 1) * mostLines),
  )
  if (pages.length > mostPages) {
    const pictures = counts.flat().reduce((sum, count) => sum + count, 0)
    throw new SessError(
      'OPTION_INVALID',
      `${pictures} windows would fill ${pages.length} pages, more than ${mostPages}: show only the heaviest of each ` +
        'scale (--per-scale, perScale), or take fewer scales or a larger step.',
    )
  }
  return { across, pages }
}
