import { describe, expect, it } from 'vitest'
import { patchLayout } from '../../src/render/patches-layout.ts'

describe('the layout of windows on pages', () => {
  it('has a line for ten windows of one explanation, and starts each level on its own', () => {
    expect(patchLayout([[1, 10, 11]])).toEqual({
      across: 10,
      pages: [
        [
          { level: 0, first: 0 },
          { level: 1, first: 0 },
          { level: 2, first: 0 },
          { level: 2, first: 10 },
        ],
      ],
    })
  })

  it.each([
    [1, 10],
    [2, 5],
    [3, 3],
    [5, 2],
    [10, 2],
  ])('%i explanations have %i pictures across each', (count, across) => {
    expect(patchLayout(Array.from({ length: count }, () => [30])).across).toBe(across)
  })

  it('shows every window once, as many lines as the explanation with most windows takes', () => {
    const counts = [
      [3, 17, 240, 8],
      [5, 1, 0],
    ]
    const { across, pages } = patchLayout(counts)
    expect(pages.slice(0, -1).every((page) => page.length === 24)).toBe(true)
    const lines = pages.flat()
    expect(lines.length).toBe([5, 17, 240, 8].reduce((sum, most) => sum + Math.ceil(most / across), 0))
    for (const [level, most] of [5, 17, 240, 8].entries()) {
      const firsts = lines.filter((one) => one.level === level).map(({ first }) => first)
      expect(firsts).toEqual(Array.from({ length: Math.ceil(most / across) }, (_, i) => i * across))
    }
  })

  it('refuses over 100 pages and says what to do', () => {
    expect(patchLayout([[24_000]]).pages).toHaveLength(100)
    expect(() => patchLayout([[24_001]])).toThrow(/24001 windows would fill 101 pages.*--per-scale/)
  })
})
