import { expect, it } from 'vitest'
import { type CaptionFacts, overlayCaption } from '../../src/render/caption.ts'

const window = { index: 0, level: 0, probability: 0.5, weight: 1, kept: true, x: 0, y: 0, width: 64, height: 64 }
const facts = (options: object = {}, more: Partial<CaptionFacts> = {}): CaptionFacts => ({
  target: { index: 282, label: 'tiger cat', logit: 3, probability: 0.1416 },
  against: [],
  method: 'grad-cam',
  model: 'tiny200',
  layer: 'features',
  windows: Array.from({ length: 4 }, () => ({ ...window, box: window })),
  options: {
    ...{ method: 'grad-cam', layer: 'features', target: 282, against: undefined },
    ...{ seed: undefined, scales: [64, 80], step: [64, 64], preFilter: 0, theta: 0 },
    ...{ fusion: 'mean', smooth: false, sess: true, antialias: true, batch: 1, maxWindows: 9, maxPixels: 9 },
    ...{ keepMaps: false, ...options },
  },
  ...more,
})
const map = { peak: 0.4125, contours: [] }

it('names class, probability, method, model, layer and maximum', () => {
  expect(overlayCaption(facts(), map, {})).toEqual({
    title: 'tiger cat (282), 14.2 %',
    lines: ['SESS + Grad-CAM, 4 windows of 2 scales', 'model tiny200, layer features', 'maximum 0.412; opacity 0.6'],
  })
})

it('of a base map, without labels, and of a method that reads no layer', () => {
  const target = { index: 3, label: undefined, logit: 0, probability: Number.NaN }
  const made = overlayCaption(
    facts({ scales: undefined, layer: undefined }, { target, method: 'smoothgrad', layer: 'input' }),
    map,
    {},
  )
  expect(made.title).toBe('class 3, not finite')
  expect(made.lines.slice(0, 2)).toEqual(['SmoothGrad of the whole photo', 'model tiny200, at the image (input)'])
})

it('says what the target is held against, and how windows are fused', () => {
  const against = [
    { index: 1, label: 'dog', weight: 1 },
    { index: 2, label: undefined, weight: -0.5 },
  ]
  const made = overlayCaption(facts({ fusion: 'max', scales: [64] }, { against }), map, {})
  expect(made.title).toBe('tiger cat (282) minus dog (1) plus 0.5 × class 2, 14.2 %')
  expect(made.lines[0]).toBe('SESS + Grad-CAM, 4 windows of 1 scale, fusion max')
})

it.each<[string, Parameters<typeof overlayCaption>[1], Parameters<typeof overlayCaption>[2], string]>([
  ['zero', { peak: 0, contours: [] }, {}, 'The map is zero everywhere: nothing is painted.'],
  ['beyond its range', map, { range: [0, 0.4] }, 'maximum 0.412, above the range; opacity 0.6'],
  ['below its range', map, { range: [0.5, 1] }, 'maximum 0.412, below the range; opacity 0.6'],
  ['within its range', map, { range: [0, 1], alpha: 1 }, 'maximum 0.412; opacity 1'],
  ['by value', map, { opacity: 'by-value', alpha: 0.8 }, 'maximum 0.412; opacity by value, up to 0.8'],
  [
    'with lines',
    { ...map, contours: [0.5, 0.9].map((quantile) => ({ quantile, value: quantile / 3 })) },
    {},
    'maximum 0.412; opacity 0.6; lines at the quantiles 0.5 (0.167), 0.9 (0.3)',
  ],
])('a map %s', (_, facing, colours, expected) => {
  expect(overlayCaption(facts(), facing, colours).lines.at(-1)).toBe(expected)
})
