import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../src/explainer.ts'
import type { Explanation } from '../src/explanation.ts'
import { patchPages } from '../src/patch-pages.ts'
import { type Patches, shownCounts } from '../src/patches.ts'
import { float, int, modelBytes, op, randomTensor } from './onnx/models.ts'
import { temporaryModels } from './temporary-models.ts'

const photo = 'docs/photos/coffee.png'
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length

describe('the windows of an explanation', () => {
  let explainer: Explainer
  let explanation: Explanation
  let patches: Patches
  beforeAll(async () => {
    explainer = await Explainer.load()
    explanation = await explainer.explain(photo, { scales: 6, preFilter: 0.3, keepMaps: true })
    patches = await explanation.patches()
  })
  afterAll(() => explainer?.dispose())

  it('are all there, by scale, the heaviest first', () => {
    const { plan, windows } = explanation
    expect(patches.scales.map(({ scale }) => scale)).toEqual(plan.scales)
    for (const [level, { windows: count, pictures }] of patches.scales.entries()) {
      const plain = windows.filter((window) => window.level === level)
      expect(count).toBe(plain.length)
      expect(new Set(pictures.map(({ window }) => window))).toEqual(new Set(plain))
      const order = pictures.map(({ window }) => window)
      for (const [i, window] of order.entries()) {
        const next = order[i + 1]
        if (next === undefined) continue
        expect(window.weight > next.weight || (window.weight === next.weight && window.index < next.index)).toBe(true)
      }
    }
    expect(patches.scales.map(({ windows: count }) => count)).toEqual(shownCounts(plan, {}))
  })

  it('have their own maps, in the box that the window has in the photo', () => {
    const { windowMaps = new Float32Array(), windows, map } = explanation
    const kept = windows.filter((window) => window.kept)
    let seen = 0
    for (const { pictures } of patches.scales) {
      for (const picture of pictures) {
        const row = kept.indexOf(picture.window)
        if (picture.kind !== 'map') continue
        seen++
        const own = windowMaps.subarray(row * 64 * 64, (row + 1) * 64 * 64)
        expect(Math.abs(mean(picture.map) / 255 - mean(own))).toBeLessThan(0.02)
        const scale = 144 / map.width
        expect(Math.abs(picture.box.x - scale * picture.window.box.x)).toBeLessThanOrEqual(0.5)
        expect(Math.abs(picture.box.width - scale * picture.window.box.width)).toBeLessThanOrEqual(1)
      }
    }
    expect(seen).toBe(kept.length)
  })

  it('that the pre-filter drops are shown without a map', () => {
    const dropped = patches.scales.flatMap(({ pictures }) => pictures.filter(({ kind }) => kind === 'pre-filtered'))
    expect(dropped).toHaveLength(Math.floor(0.3 * explanation.windows.length))
    expect(dropped.every(({ window }) => !window.kept)).toBe(true)
  })

  it('come with the peak of the map, and how many of those that contain it score over half the best', () => {
    const { data, width } = explanation.map
    const at = data.indexOf(data.reduce((top, value) => Math.max(top, value), 0))
    const [x, y] = [at % width, Math.floor(at / width)]
    expect(patches.robustness.peak).toEqual({ x, y, value: data[at] })
    const best = Math.max(...explanation.windows.map(({ probability }) => probability))
    expect(patches.robustness.best?.score).toBe(best)
    const seeing = explanation.windows.filter(
      ({ box }) => box.x <= x + 0.5 && x + 0.5 < box.x + box.width && box.y <= y + 0.5 && y + 0.5 < box.y + box.height,
    )
    const high = seeing.filter(({ probability }) => probability > best / 2).length
    expect(high).toBeGreaterThan(0)
    expect(patches.robustness.atPeak).toEqual({ windows: seeing.length, high, share: high / seeing.length })
  })

  it('are only the heaviest of each scale where that is asked', async () => {
    const few = await explanation.patches({ perScale: 3 })
    for (const [level, { windows, pictures }] of few.scales.entries()) {
      const all = patches.scales[level]
      expect(windows).toBe(all?.windows)
      expect(pictures.map(({ window }) => window)).toEqual(all?.pictures.slice(0, 3).map(({ window }) => window))
    }
    expect(few.robustness).toEqual(patches.robustness)
    expect(shownCounts(explanation.plan, { perScale: 3 })).toEqual(few.scales.map(({ pictures }) => pictures.length))
  })

  it('can be drawn beside those of another method', async () => {
    const other = await explainer.explain(photo, { scales: 6, keepMaps: true, method: 'layer-cam' })
    const pages = patchPages([patches, await other.patches()], { title: 'coffee.png' })
    expect(pages).toHaveLength(1)
    const { width } = (await (await pages[0]?.sharp())?.metadata()) ?? {}
    expect(width).toBe(2 * 24 + 118 + 12 + 2 * (5 * 156 - 12) + 36)
  })

  it.each([[0], [1.5], [-1], [Number.NaN]])('are refused %f of each scale', async (perScale) => {
    await expect(explanation.patches({ perScale })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('stop where the signal is aborted', async () => {
    await expect(explanation.patches({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('are refused where there are none, and where their maps were not kept', async () => {
    const base = await explainer.explain(photo, { sess: false, keepMaps: true })
    await expect(base.patches()).rejects.toMatchObject({ code: 'OPTION_INVALID', message: /without SESS/ })
    const forgotten = await explainer.explain(photo, { scales: 1 })
    await expect(forgotten.patches()).rejects.toMatchObject({ code: 'OPTION_INVALID', message: /keepMaps/ })
  })

  it('of a photo of one pixel are drawn', async () => {
    const one = { data: Uint8Array.of(90, 120, 200), width: 1, height: 1, channels: 3 } as const
    const tiny = await (await explainer.explain(one, { scales: 2, keepMaps: true })).patches()
    expect(tiny.small).toMatchObject({ width: 144, height: 144 })
    for (const page of patchPages([tiny])) expect((await page.toBuffer()).length).toBeGreaterThan(0)
  })
})

describe('the windows of a model that says little', () => {
  const models = temporaryModels()
  afterAll(() => models.remove())
  const head = (alpha: number) => [
    ...[op('GlobalAveragePool', 't', 'p'), op('Flatten', 'p', 'f')],
    op('Gemm', 'f w', 'z', { transB: int(1), alpha: float(alpha) }),
  ]
  const input = { dims: ['n', 3, 16, 16] }
  const tensors = [randomTensor('k', [6, 3, 3, 3]), randomTensor('w', [5, 6])]
  const bright = {
    data: Uint8Array.from({ length: 48 * 16 * 3 }, (_, i) => (Math.floor(i / 3) % 48 < 16 ? 10 : 200 + ((i * 7) % 50))),
    ...({ width: 48, height: 16, channels: 3 } as const),
  }
  const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }

  it('have no peak where the map is zero everywhere', async () => {
    const nodes = [op('Conv', 'x k', 'c'), op('Relu', 'c', 't'), ...head(0)]
    const path = models.write('zero', modelBytes({ nodes, tensors, input }))
    await using explainer = await Explainer.load(path, half)
    const patches = await (await explainer.explain(bright, { scales: 2, keepMaps: true })).patches()
    const pictures = patches.scales.flatMap((one) => one.pictures)
    expect(pictures.every(({ kind }) => kind === 'zero')).toBe(true)
    expect(patches.robustness).toMatchObject({ peak: null, atPeak: { windows: 0, high: 0, share: null } })
    expect(patches.robustness.best?.score).toBeCloseTo(0.2, 6)
    for (const page of patchPages([patches])) expect((await page.toBuffer()).length).toBeGreaterThan(0)
  })

  it('that are not finite are said to be so, and stand last', async () => {
    const nodes = [op('Log', 'x', 'l'), op('Conv', 'l k', 'c'), op('Relu', 'c', 't'), ...head(1)]
    const path = models.write('brittle', modelBytes({ nodes, tensors, input }))
    await using explainer = await Explainer.load(path, half)
    const explanation = await explainer.explain(bright, { scales: [16], step: 16, target: 1, keepMaps: true })
    const patches = await explanation.patches()
    expect(patches.scales[0]?.pictures.map(({ kind, window }) => [kind, window.index]).at(-1)).toEqual(['nonfinite', 0])
    expect(patches.robustness.scales[0]).toMatchObject({ windows: 3, scored: 2, dropped: 1 })
    for (const page of patchPages([patches])) expect((await page.toBuffer()).length).toBeGreaterThan(0)
  })
})
