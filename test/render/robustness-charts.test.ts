import { expect, it } from 'vitest'
import { peakText } from '../../src/render/robustness-block.ts'
import { robustnessCharts } from '../../src/render/robustness-charts.ts'
import { robustnessCells } from '../../src/render/robustness-table.ts'
import { weightText } from '../../src/render/weight-text.ts'
import { atScale, syntheticPatches } from './synthetic-patches.ts'

const none = { windows: 0, high: 0, share: null }

it('charts the median and quartiles of score and weight, and the share of high windows, by scale', () => {
  const [score, weight, share] = robustnessCharts([
    syntheticPatches([
      [64, []],
      [82, []],
    ]),
  ])
  expect(score).toMatchObject({ xTicks: [64, 82], xLabel: 'scale, pixels', most: 0.5, format: 'percent' })
  expect(score?.series[0]?.points[1]).toEqual({ x: 82, y: 0.25, range: [0.1, 0.5] })
  expect(weight).toMatchObject({ most: 1, mark: 0.5 })
  expect(weight?.series[0]?.points[0]).toEqual({ x: 64, y: 0.5, range: [0.2, 1] })
  expect(share?.series[0]?.points[0]).toEqual({ x: 64, y: 2 / 3 })
})

it('of models of different windows charts scales as so many windows', () => {
  const small = syntheticPatches([
    [64, []],
    [96, []],
  ])
  const large = syntheticPatches([[336, []]], { window: { width: 224, height: 112 } })
  const [chart] = robustnessCharts([small, large])
  expect(chart).toMatchObject({ xTicks: [1, 1.5], xLabel: expect.stringContaining('window') })
  expect(chart?.series.map(({ points }) => points.map(({ x }) => x))).toEqual([[1, 1.5], [1.5]])
  expect(new Set(chart?.series.map(({ color }) => color)).size).toBe(2)
})

it('has no point where no score is finite, and none where no window contains the peak', () => {
  const one = syntheticPatches([[64, []]])
  const robustness = { ...one.robustness, scales: [atScale(64, { score: null, weight: null, atPeak: none })] }
  for (const { series } of robustnessCharts([{ ...one, robustness }]))
    expect(series[0]?.points).toEqual([{ x: 64, y: null }])
})

it('says the same as numbers', () => {
  const tiny = { q1: 0, median: 0.001, q3: 0.995 }
  expect(robustnessCells([atScale(64), atScale(82, { windows: 9, score: null, weight: tiny, atPeak: none })])).toEqual([
    ['64', '4', '25.0 (10.0–50.0)', '0.50 (0.20–1.00)', '2 of 3'],
    ['82', '9', 'not finite', '< 0.01 (0.00–0.99)', '-'],
  ])
  expect([0, 1e-30, 0.0049, 0.005, 1].map(weightText)).toEqual(['0.00', '< 0.01', '< 0.01', '0.01', '1.00'])
})

it('says where the peak is and how many windows see it', () => {
  const { robustness } = syntheticPatches([[64, []]])
  expect(peakText({ robustness })).toBe('Best window: 50.0 %. Windows with the peak, at 7, 9: 2 of 3 high (66.7 %).')
  expect(peakText({ robustness: { ...robustness, peak: null, atPeak: none } })).toContain('it has no peak')
  expect(peakText({ robustness: { ...robustness, best: null } })).toContain('No window has a finite score')
})
