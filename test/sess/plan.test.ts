import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { positions } from '../../src/sess/geometry.ts'
import { makePlan, type PlanOptions } from '../../src/sess/plan.ts'
import { shared, sharedMissing } from '../shared.ts'

const options: PlanOptions = {
  scales: 12,
  step: undefined,
  antialias: true,
  sess: true,
  batch: 4,
  maxWindows: 100_000,
  passes: 1,
}
const square = (side: number) => ({ height: side, width: side })

interface GeometryCase {
  readonly height: number
  readonly width: number
  readonly window: number
  readonly step: number
  readonly scales: readonly number[]
  readonly levels: readonly (readonly [number, number])[]
  readonly count: number
  readonly windows: readonly (readonly [number, number, number])[]
}

describe.skipIf(sharedMissing)('levels and windows of the reference geometry', () => {
  const cases: readonly GeometryCase[] = sharedMissing
    ? []
    : JSON.parse(readFileSync(shared('golden/geometry.json'), 'utf8'))
  it.each(cases)('$height x $width, window $window, step $step, scales $scales', (golden) => {
    const { height, width, window, step } = golden
    const ascending = golden.scales.every((scale, i) => i === 0 || scale > (golden.scales[i - 1] ?? 0))
    const make = () =>
      makePlan({ height, width }, square(window), { ...options, scales: golden.scales, step: [step, step] })
    if (!ascending) {
      expect(make).toThrow('strictly ascending')
      return
    }
    const plan = make()
    expect(plan.levels).toEqual(golden.levels.map(([h, w]) => ({ height: h, width: w })))
    expect(plan.windows).toHaveLength(golden.count)
    const places = plan.windows.map(({ level, y, x }) => [level, y, x])
    const shown = golden.count === golden.windows.length ? places : [...places.slice(0, 50), ...places.slice(-50)]
    expect(shown).toEqual(golden.windows)
    expect(plan.windows.map(({ index }) => index)).toEqual([...plan.windows.keys()])
  })
})

describe('plan', () => {
  it('has twelve scales from the window up by default', () => {
    const { scales } = makePlan(square(500), square(224), options)
    expect(scales).toEqual([224, 288, 352, 416, 480, 544, 608, 672, 736, 800, 864, 928])
  })

  it.each([
    [10, 10, 10, [0]],
    [11, 10, 10, [0, 1]],
    [30, 10, 10, [0, 10, 20]],
    [25, 10, 7, [0, 7, 14, 15]],
    [5, 1, 1, [0, 1, 2, 3, 4]],
  ])(
    'covers %i pixels with windows of %i in steps of %i: the last is flush with the edge',
    (length, window, step, expected) => {
      expect(positions(length, window, step)).toEqual(expected)
    },
  )

  it('takes the longer side of a window that is not square as the bound of the scales', () => {
    const window = { height: 100, width: 200 }
    expect(makePlan(square(300), window, options).scales[0]).toBe(200)
    expect(() => makePlan(square(300), window, { ...options, scales: [150] })).toThrow('200')
  })

  it('counts one forward pass for the base view unless a window shows the same pixels', () => {
    const shares = makePlan(square(224), square(224), options)
    expect([shares.windows.length, shares.forwards, shares.baseWindow]).toEqual([122, 122, 0])
    const own = makePlan({ height: 342, width: 347 }, square(224), options)
    expect([own.forwards, own.baseWindow]).toEqual([own.windows.length + 1, null])
  })

  it('shares the base view of a shrunk square photo only with antialiasing', () => {
    expect(makePlan(square(500), square(224), options).baseWindow).toBe(0)
    expect(makePlan(square(500), square(224), { ...options, antialias: false }).baseWindow).toBeNull()
    expect(makePlan(square(100), square(224), { ...options, antialias: false }).baseWindow).toBe(0)
  })

  it('is the base view alone without SESS', () => {
    const plan = makePlan({ height: 342, width: 347 }, square(224), { ...options, sess: false })
    expect(plan).toMatchObject({ forwards: 1, baseWindow: 0, levels: [square(224)], scales: [] })
    expect(plan.windows).toEqual([{ index: 0, level: 0, y: 0, x: 0 }])
  })

  it('plans a long strip without a bound of its own', () => {
    expect(makePlan({ height: 20, width: 3000 }, square(224), options).windows).toHaveLength(15_743)
  })

  it.each([
    { height: 0, width: 5 },
    { height: -5, width: 5 },
    { height: 5.5, width: 5 },
    { height: 5, width: Number.NaN },
  ])('refuses an image of %o', (image) => {
    expect(() => makePlan(image, square(224), options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  it.each<[string, Partial<PlanOptions>, RegExp]>([
    ['a scale under the window', { scales: [223] }, /scales is \[223\].*224/],
    ['scales that do not ascend', { scales: [300, 300] }, /scales is \[300, 300\].*strictly ascending/],
    ['a count of scales that no one means', { scales: 2e8 }, /scales is 200000000.*10000/],
    ['a step larger than the window', { step: [225, 1] }, /step is \[225, 1\].*224/],
    ['more windows than the limit', { maxWindows: 121 }, /122 windows.*121.*--max-windows/],
  ])('refuses %s, naming option, value and expectation', (_, change, message) => {
    const make = () => makePlan(square(224), square(224), { ...options, ...change })
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
