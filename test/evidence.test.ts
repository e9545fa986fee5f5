import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { topWindowsOf } from '../src/evidence.ts'
import { Explainer } from '../src/explainer.ts'
import { Device } from '../src/native.ts'
import { type ExplainOptions, explainDefaults } from '../src/options.ts'
import { makePlan } from '../src/sess/plan.ts'

const photo = 'docs/photos/coffee.png'
const few = { scales: [64, 82, 146], target: 'espresso' } as const
type OneTarget = ExplainOptions & { readonly target?: string }

describe('what is asked about an explanation', () => {
  let explainer: Explainer
  beforeAll(async () => {
    explainer = await Explainer.load()
  })
  afterAll(() => explainer?.dispose())

  it.each<[string, OneTarget]>([
    ['as it is', {}],
    ['with a threshold', { theta: 0.4 }],
    ['with a pre-filter', { preFilter: 0.5 }],
    ['with the maximum', { fusion: 'max' }],
    ['with the plain average', { fusion: 'average' }],
    ['of a method that reads the image', { method: 'gradient' }],
    ['of a method that asks about copies', { method: 'occlusion', preFilter: 0.8 }],
    ['without SESS', { sess: false }],
  ])('the windows of a map %s: all shares make 1, the largest first', async (_, options) => {
    const explanation = await explainer.explain(photo, { ...few, ...options })
    const all = await explanation.topWindows(1000)
    const shares = all.map(({ share }) => share ?? Number.NaN)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10)
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
    expect(shares.every((share) => share > 0)).toBe(true)
    for (const { share: _, ...window } of all) {
      expect(window).toEqual(explanation.windows[window.index])
      expect(window.kept).toBe(true)
    }
    expect(await explanation.topWindows(2)).toEqual(all.slice(0, 2))
  })

  it('each target has its own', async () => {
    const [one, other] = await explainer.explain(photo, { ...few, target: ['espresso', 'teapot'] })
    const alone = await explainer.explain(photo, { ...few, target: 'teapot' })
    const shares = async (explanation = one) => (await explanation?.topWindows(5))?.map(({ index }) => index)
    expect(await shares(other)).toEqual(await shares(alone))
    expect(await shares(one)).not.toEqual(await shares(alone))
  })

  it('objects are parts of the map that is given, seen best by a window that they lie in', async () => {
    const explanation = await explainer.explain(photo, { ...few, scales: 6 })
    const { map, windows } = explanation
    const objects = await explanation.objects({ threshold: 0.6 })
    expect(objects.length).toBeGreaterThan(0)
    expect(objects[0]?.peak.value).toBe(map.data.reduce((most, value) => Math.max(most, value), 0))
    for (const { peak, window } of objects) {
      expect(map.data[peak.y * map.width + peak.x]).toBe(peak.value)
      expect(windows).toContain(window)
      const { y = 0, x = 0, height = 0, width = 0 } = window?.box ?? {}
      expect(peak.y + 0.5).toBeGreaterThan(y - 1)
      expect(peak.y + 0.5).toBeLessThan(y + height + 1)
      expect(peak.x + 0.5).toBeGreaterThan(x - 1)
      expect(peak.x + 0.5).toBeLessThan(x + width + 1)
    }
  })

  it('objects are drawn over the overlay, which is else the same', async () => {
    const explanation = await explainer.explain(photo, few)
    const [object] = await explanation.objects()
    const pixels = async (boxes: readonly NonNullable<typeof object>[]) =>
      await (await explanation.overlay({ boxes, caption: false }).sharp()).raw().toBuffer({ resolveWithObject: true })
    const [plain, drawn] = [await pixels([]), await pixels(object === undefined ? [] : [object])]
    expect(drawn.info).toMatchObject({ width: 600, height: 400, channels: 3 })
    expect(drawn.data.equals(plain.data)).toBe(false)
    const { y = 0, x = 0, width = 0 } = object?.box ?? {}
    const at = (data: Buffer, row: number, column: number) => [
      ...data.subarray(3 * (row * 600 + column)).subarray(0, 3),
    ]
    expect(at(drawn.data, y + 5, x + width - 1)).toEqual([0, 0, 0])
    expect(at(drawn.data, 399, 599)).toEqual(at(plain.data, 399, 599))
  })

  it('of a map of one pixel there is one object, and the windows are those of any photo', async () => {
    const grey = { data: Uint8Array.of(90, 120, 200), width: 1, height: 1, channels: 3 } as const
    const explanation = await explainer.explain(grey, { scales: [64, 82], smooth: false })
    const [peak = 0] = explanation.map.data
    expect(await explanation.objects()).toMatchObject(peak > 0 ? [{ pixels: 1, share: 1 }] : [])
    expect(await explanation.topWindows(1)).toHaveLength(peak > 0 ? 1 : 0)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %s windows', async (n) => {
    const explanation = await explainer.explain(photo, { ...few, sess: false })
    await expect(explanation.topWindows(n)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('refuses a threshold of 0', async () => {
    const explanation = await explainer.explain(photo, { ...few, sess: false })
    await expect(explanation.objects({ threshold: 0 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('counts what is kept in the memory of a plan', () => {
    const size = { height: 400, width: 600 }
    const one = explainer.plan(size, { method: 'gradient', scales: [64] })
    const large = explainer.plan(size, { method: 'gradient', scales: 8, step: 16 })
    const cells = 4 * 64 * 64
    expect(large.memory - one.memory).toBeGreaterThan(2 * cells * (large.windows.length - one.windows.length))
  })
})

describe('where the maps were too many to be kept', () => {
  const device = new Device({ type: 'cpu', threads: 1 })
  afterAll(() => device.dispose())

  it('the windows are ranked by weight, and their shares unknown', async () => {
    const plan = makePlan(
      { height: 8, width: 8 },
      { height: 8, width: 8 },
      { ...explainDefaults, scales: [8], step: undefined, batch: 1, passes: 1 },
    )
    const box = { y: 0, x: 0, height: 8, width: 8 }
    const windows = [0.2, 1, 0.2, 0.5].map((weight, index) => ({
      ...{ index, level: 0, ...box, box, probability: weight, weight, kept: index !== 3 },
    }))
    const top = await topWindowsOf(device, { plan, windows, fused: undefined }, 10)
    expect(top.map(({ index, share }) => [index, share])).toEqual([
      [1, null],
      [0, null],
      [2, null],
    ])
  })
})
