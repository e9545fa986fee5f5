import { expect, it } from 'vitest'
import { type Chart, chartBlock } from '../../src/render/chart.ts'
import { Typeface } from '../../src/render/text.ts'

const chart = (more: Partial<Chart>): Chart => ({
  ...{ title: 'Score', xLabel: 'scale', xTicks: [10, 20, 40], most: 1, format: 'number', series: [] },
  ...more,
})
const size = { width: 400, height: 250 }
const draw = async (more: Partial<Chart>) => chartBlock(await Typeface.load(), chart(more), size)

const circles = (outlines: string, color: string) =>
  [...outlines.matchAll(/<circle fill="(#\w+)" r="3.5" cx="([\d.]+)" cy="([\d.]+)"/g)]
    .filter(([, fill]) => fill === color)
    .map(([, , x, y]) => [Number(x), Number(y)] as const)
const lines = (outlines: string, color: string) =>
  [...outlines.matchAll(/<path fill="none" stroke="(#\w+)" stroke-width="1.5" d="([^"]*)"/g)]
    .filter(([, stroke]) => stroke === color)
    .map(([, , path = '']) => path)

it('points stand where their numbers are, on lines from the first to the last', async () => {
  const points = [10, 20, 40].map((x, i) => ({ x, y: i / 2 }))
  const { outlines, width } = await draw({ series: [{ color: '#aa0000', points }] })
  expect(width).toBe(400)
  const [first, second, last] = circles(outlines, '#aa0000')
  if (first === undefined || second === undefined || last === undefined) throw new Error('three points')
  expect((second[0] - first[0]) / (last[0] - first[0])).toBeCloseTo(1 / 3, 6)
  expect(second[1]).toBeCloseTo((first[1] + last[1]) / 2, 6)
  expect(first[1] - last[1]).toBeCloseTo(250 - 8 - 42, 6)
  expect(lines(outlines, '#aa0000')[0]?.match(/[ML]/g)).toEqual(['M', 'L', 'L'])
})

it('a point that is not there leaves a gap, and bars go from end to end of a range', async () => {
  const points = [
    { x: 10, y: 0.5, range: [0, 1] as const },
    { x: 20, y: null },
    { x: 40, y: 0.5, range: [0.25, 0.75] as const },
  ]
  const { outlines } = await draw({ series: [{ color: '#aa0000', points }] })
  expect(circles(outlines, '#aa0000')).toHaveLength(2)
  expect(lines(outlines, '#aa0000')[0]).not.toContain('L')
  const bars = [...outlines.matchAll(/stroke-opacity="0.4" d="M[\d.]+ ([\d.]+)V([\d.]+)"/g)]
  expect(bars.map(([, from, to]) => Number(from) - Number(to))).toEqual([200, 100])
})

it('series of the same numbers stand beside each other', async () => {
  const points = [{ x: 10, y: 0.5 }]
  const series = ['#aa0000', '#00aa00'].map((color) => ({ color, points }))
  const { outlines } = await draw({ xTicks: [10], series })
  const [[x = 0, y = 0] = [], [otherX = 0, otherY = 0] = []] = ['#aa0000', '#00aa00'].map(
    (color) => circles(outlines, color)[0],
  )
  expect([otherX - x, otherY - y]).toEqual([6, 0])
})

it('axes are drawn where there is nothing to show, or all is zero', async () => {
  for (const more of [{ xTicks: [] }, { most: 0, series: [{ color: '#aa0000', points: [{ x: 10, y: 0 }] }] }]) {
    const { outlines } = await draw(more)
    expect(outlines).not.toMatch(/NaN|Infinity/)
    expect(outlines).toContain('M58 208H386')
  }
})

it('numbers of the axis that have no room are left out', async () => {
  const ticks = (count: number) => Array.from({ length: count }, (_, i) => 1000 + i)
  const textsOf = async (count: number) => {
    const { outlines } = await draw({ xTicks: ticks(count) })
    return outlines.match(/fill="#444444"/g)?.length ?? 0
  }
  const few = await textsOf(3)
  expect(await textsOf(4)).toBe(few + 1)
  expect(await textsOf(200)).toBeLessThan(few + 10)
})
