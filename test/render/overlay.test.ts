import { describe, expect, it } from 'vitest'
import { checkOverlay, type OverlayOptions, overlayArguments, peakOf } from '../../src/render/overlay.ts'

describe('an overlay', () => {
  it('shows 0 to the maximum by default, in inferno', () => {
    expect(overlayArguments({}, 0.3)).toMatchObject({ low: 0, high: 0.3, alpha: 0.6, opacity: 'constant' })
    expect([...overlayArguments({}, 0.3).colors.subarray(0, 3)]).toEqual([0, 0, 4])
  })

  it('of an empty map divides by nothing', () => {
    expect(overlayArguments({}, 0)).toMatchObject({ low: 0, high: 1 })
  })

  it('takes what it is given', () => {
    const options: OverlayOptions = { colormap: 'jet', alpha: 0, opacity: 'by-value', range: [0.1, 0.2] }
    expect(overlayArguments(options, 0.3)).toMatchObject({ low: 0.1, high: 0.2, alpha: 0, opacity: 'by-value' })
  })

  it.each<[string, object]>([
    ['colormap', { colormap: 'sunset' }],
    ['alpha', { alpha: 1.1 }],
    ['alpha', { alpha: -0.1 }],
    ['alpha', { alpha: Number.NaN }],
    ['alpha', { alpha: '0.5' }],
    ['opacity', { opacity: 'half' }],
    ['range', { range: [1, 0] }],
    ['range', { range: [0, 0] }],
    ['range', { range: [0, Number.NaN] }],
    ['range', { range: 'full' }],
    ['range', { range: [1, 1 + 1e-9] }], // one float
    ['range', { range: [0, 1e300] }],
    ['range', { range: [0, 1, 2] }],
  ])('refuses %s in %j', (name, options) => {
    const attempt = () => overlayArguments(options as OverlayOptions, 1)
    expect(attempt).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(attempt).toThrow(new RegExp(`^${name} is`))
  })
})

it.each<[string, object]>([
  ['contours', { contours: 0.5 }],
  ['contours', { contours: [0.5, 1] }],
  ['contours', { contours: [-0.1] }],
  ['contours', { contours: [Number.NaN] }],
  ['contours', { contours: Array.from({ length: 9 }, (_, i) => i / 10) }],
  ['caption', { caption: 'no' }],
  ['beside', { beside: 1 }],
  ['alpha', { alpha: 2 }],
])('%s in %j is refused before anything is drawn', (name, options) => {
  expect(() => checkOverlay(options as OverlayOptions)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  expect(() => checkOverlay(options as OverlayOptions)).toThrow(new RegExp(`^${name} is`))
})

it.each([
  [[], 0],
  [[0, 0.25, 0.125], 0.25],
  [[Number.NaN, 0.5], 0.5],
])('the peak of %j is %d', async (values, expected) => {
  expect(await peakOf(Float32Array.from(values))).toBe(expected)
})

it('the peak is found at the end of a large map', async () => {
  const map = new Float32Array((1 << 21) + 1)
  map[1 << 21] = 1
  expect(await peakOf(map)).toBe(1)
})
