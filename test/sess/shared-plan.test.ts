import { describe, expect, it } from 'vitest'
import { makePlan, type PlanOptions } from '../../src/sess/plan.ts'
import { sharePlans } from '../../src/sess/shared-plan.ts'

const window = { height: 8, width: 8 }
const common: PlanOptions = {
  scales: [8, 10],
  step: undefined,
  antialias: true,
  sess: true,
  batch: 4,
  maxWindows: 1000,
  passes: 1,
}
const planned = (image: { height: number; width: number }, options: Partial<PlanOptions> = {}) =>
  makePlan(image, window, { ...common, ...options })
const baseOf = (image: { height: number; width: number }) => planned(image, { sess: false })

describe.each([
  [{ height: 20, width: 20 }, {}],
  [{ height: 13, width: 31 }, {}],
  [{ height: 31, width: 13 }, { scales: [9] }],
  [{ height: 1, width: 1 }, {}],
  [{ height: 20, width: 20 }, { antialias: false }],
])('plans of %j with %j, in one', (image, options) => {
  const plans = [
    planned(image, options),
    planned(image, { ...options, step: [2, 2] }),
    planned(image, { ...options, step: [3, 3] }),
  ]
  const base = baseOf(image)
  const shared = sharePlans(base, plans, 7)

  it('have each window once, in order', () => {
    const places = shared.plan.windows.map(({ level, y, x }) => `${level} ${y} ${x}`)
    expect(new Set(places).size).toBe(places.length)
    expect(shared.plan.windows.map(({ index }) => index)).toEqual(places.map((_, i) => i))
    const used = new Set(shared.places.flatMap((ofPlan) => [...ofPlan]))
    expect(used.size).toBe(places.length)
    expect(shared.plan.forwards).toBe(7 * places.length)
  })

  it('find each of their windows at its place, ascending', () => {
    for (const [p, plan] of [base, ...plans].entries()) {
      const places = shared.places[p] ?? new Int32Array()
      expect([...places]).toEqual([...new Set(places)].sort((a, b) => a - b))
      const found = [...places].map((place) => {
        const { level, y, x } = shared.plan.windows[place] ?? { level: -1, y: -1, x: -1 }
        return { ...shared.plan.levels[level], y, x, isBase: place === shared.plan.baseWindow }
      })
      expect(found).toEqual(
        plan.windows.map(({ level, y, x, index }) => ({
          ...plan.levels[level],
          y,
          x,
          isBase: index === plan.baseWindow,
        })),
      )
    }
  })
})

it('a level of the size of the base view is not taken for it where it shows other pixels', () => {
  const image = { height: 20, width: 20 }
  const { plan, places } = sharePlans(baseOf(image), [planned(image, { antialias: false })], 1)
  expect(plan.levels).toEqual([window, window, { height: 10, width: 10 }])
  expect(places.map((ofPlan) => ofPlan[0])).toEqual([0, 1])
})

it('the base view alone is a plan, too', () => {
  const { plan, places } = sharePlans(baseOf({ height: 3, width: 5 }), [], 1)
  expect(plan).toMatchObject({ sess: false, scales: [], windows: [{ index: 0, level: 0, y: 0, x: 0 }], forwards: 1 })
  expect(places).toEqual([Int32Array.of(0)])
})
