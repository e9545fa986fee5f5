import { afterAll, beforeAll, expect, it } from 'vitest'
import { Explainer, type Explanation } from '../../src/index.ts'

const photo = 'docs/photos/both.jpg'
const scales = { scales: 2, step: 48 } // 8 windows, none of them the base view

let explainer: Explainer
let apart: Explanation
beforeAll(async () => {
  explainer = await Explainer.load('tiny200')
  apart = await explainer.explain(photo, scales)
})
afterAll(() => explainer.dispose())

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0)

it.each([1, 2, 8, 9, 64])('goes with the last windows where targets are named, in batches of %i', async (batch) => {
  const passes = Math.ceil(9 / batch)
  const { baseWindow, windows } = apart.plan
  expect([baseWindow, windows.length]).toEqual([null, 8])
  const seen: number[] = []
  const together = await explainer.explain(photo, {
    ...scales,
    target: apart.target.index,
    batch,
    onProgress: ({ done, total }) => {
      expect(total).toBe(9)
      seen.push(done)
    },
  })
  expect(worst(together.map.data, apart.map.data)).toBeLessThan(1e-5)
  expect(together.forwards).toBe(9)
  expect(seen).toEqual([...Array.from({ length: passes - 1 }, (_, i) => (i + 1) * batch), 9, 9]) // no pass of its own
  expect(together.target).toMatchObject({ index: apart.target.index, label: apart.target.label })
  expect(together.target.probability).toBeCloseTo(apart.target.probability, 5)
})

it('goes with them for several targets and behind a pre-filter too', async () => {
  const { index } = apart.target
  const named = await explainer.explain(photo, { ...scales, target: [index, 3], preFilter: 0.7 })
  const alone = await explainer.explain(photo, { ...scales, preFilter: 0.7 })
  expect(worst(named[0]?.map.data ?? new Float32Array(), alone.map.data)).toBeLessThan(1e-5)
  expect(named.map(({ target }) => target.index)).toEqual([index, 3])
  expect(named[1]?.target.probability).toBeLessThan(alone.target.probability)
})
