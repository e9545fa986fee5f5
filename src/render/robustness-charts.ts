import { schemeTableau10 } from 'd3-scale-chromatic'
import type { Quartiles, ScaleRobustness } from '../metrics/robustness.ts'
import type { Patches } from '../patches.ts'
import type { Chart } from './chart.ts'

/** What is charted of a figure's explanations. */
type Charted = Pick<Patches, 'window' | 'scales' | 'robustness'>

/**
 * Score and weight by scale, and the share of the windows with the peak that score high. Scales of models of different
 * windows are told in windows, so that they can be compared.
 */
export function robustnessCharts(patches: readonly Charted[]): readonly Chart[] {
  const isCommon = new Set(patches.map(({ window }) => Math.max(window.height, window.width))).size <= 1
  const xOf = ({ window }: Charted, scale: number) =>
    isCommon ? scale : Number((scale / Math.max(window.height, window.width)).toFixed(2))
  const xTicks = [...new Set(patches.flatMap((one) => one.scales.map(({ scale }) => xOf(one, scale))))]
  const common = {
    xLabel: isCommon ? 'scale, pixels' : 'scale over the longer side of the model’s window',
    xTicks: xTicks.sort((a, b) => a - b),
  }
  const of = (value: (one: ScaleRobustness) => { y: number | null; range?: readonly [number, number] }) =>
    patches.map((one, i) => ({
      color: colorOf(i),
      points: one.robustness.scales.map((level) => ({ x: xOf(one, level.scale), ...value(level) })),
    }))
  const upper = patches.flatMap((one) => one.robustness.scales.map(({ score }) => score?.q3 ?? 0))
  return [
    {
      ...common,
      title: 'Score by scale',
      most: Math.max(0, ...upper),
      format: 'percent',
      series: of(({ score }) => spread(score)),
    },
    {
      ...common,
      title: 'Weight by scale (dashed: half)',
      most: 1,
      format: 'number',
      mark: 0.5,
      series: of(({ weight }) => spread(weight)),
    },
    {
      ...common,
      title: 'Share of the windows with the peak that score high',
      most: 1,
      format: 'percent',
      series: of(({ atPeak }) => ({ y: atPeak.share })),
    },
  ]
}

function spread(quartiles: Quartiles | null) {
  return quartiles === null
    ? { y: null }
    : { y: quartiles.median, range: [quartiles.q1, quartiles.q3] as readonly [number, number] }
}

/** Of a figure's explanations, by their place. */
export function colorOf(i: number): string {
  return schemeTableau10[i % schemeTableau10.length] ?? '#4e79a7'
}
