import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cudaFault, cudaState } from '../src/cuda.ts'
import { Explainer } from '../src/explainer.ts'
import type { Progress } from '../src/options.ts'
import { expectGoldenMap, goldenImage, libraryOptions, readGolden } from './goldens.ts'
import { shared, sharedMissing } from './shared.ts'

const goldens = [
  'base_gradcam',
  'gradcam_airplane',
  'gradcam_airplane_aliased',
  'gradcam_both_average',
  'gradcam_both_cat',
  'gradcam_both_max',
  'gradcam_both_nosmooth',
  'gradcam_both_prefilter',
  'gradcam_both_prefilter99',
  'gradcam_both_step112',
  'gradcam_both_theta',
  'gradcam_both_top1',
  'gradcam_dogs',
  'gradcam_spider_alpha',
]
const mobilenet = shared('models/mobilenet-v1-075-224.onnx')
const both = shared('golden/images/both.png')
const fewScales = { target: 282, scales: [224, 288, 352] } as const

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? Number.NaN))), 0)

describe.skipIf(sharedMissing)('Explainer', () => {
  let explainer: Explainer
  beforeAll(async () => {
    explainer = await Explainer.load(mobilenet)
  })
  afterAll(() => explainer?.dispose())

  it.each(goldens)('agrees with the reference: %s', async (name) => {
    const golden = readGolden(name)
    const { map, target, windows, plan } = await explainer.explain(goldenImage(golden), libraryOptions(golden))
    expectGoldenMap(map.data, name)
    expect(target.index).toBe(golden.options.target)
    if (golden.levels === undefined) return
    expect(plan.levels.map(({ height, width }) => [height, width])).toEqual(golden.levels)
    expect(windows.filter(({ kept }) => kept).map(({ index }) => index)).toEqual(golden.kept)
    for (const [i, p] of (golden.probability ?? []).entries()) expect(windows[i]?.probability).toBeCloseTo(p, 4)
  })

  it.each([1, 3, 5, 32])('gives the same map with a batch of %i', async (batch) => {
    const [one, other] = [
      await explainer.explain(both, fewScales),
      await explainer.explain(both, { ...fewScales, batch }),
    ]
    expect(largestDifference(one.map.data, other.map.data)).toBeLessThanOrEqual(1e-5)
  })

  it.each([1, 3])('gives the same map with %i threads', async (threads) => {
    await using other = await Explainer.load(mobilenet, { threads })
    const [a, b] = [await explainer.explain(both, fewScales), await other.explain(both, fewScales)]
    expect(largestDifference(a.map.data, b.map.data)).toBeLessThanOrEqual(1e-5)
  })

  it('gives the same maps for explains that run at once as for one alone', async () => {
    const dogs = shared('golden/images/dogs.png')
    const alone = [await explainer.explain(both, fewScales), await explainer.explain(dogs, { scales: [224, 300] })]
    const together = await Promise.all([
      explainer.explain(both, fewScales),
      explainer.explain(dogs, { scales: [224, 300] }),
      explainer.explain(both, fewScales),
    ])
    for (const [i, { map }] of together.entries()) {
      expect(largestDifference(map.data, alone[i % 2]?.map.data ?? new Float32Array())).toBeLessThanOrEqual(1e-5)
    }
  })

  it('shares the forward passes among several targets, and gives each its own map, in order', async () => {
    const seen: Progress[] = []
    const options = { scales: [224, 288], onProgress: (progress: Progress) => void seen.push(progress) }
    const several = await explainer.explain(both, { ...options, target: [282, 'top-1', 'bull mastiff'] })
    expect(several.map(({ target }) => target.index)).toEqual([282, 243, 243])
    expect(Math.max(...seen.map(({ done }) => done))).toBe(several[0]?.plan.forwards)
    for (const { target, map } of several) {
      const alone = await explainer.explain(both, { scales: [224, 288], target: target.index })
      expect(largestDifference(map.data, alone.map.data)).toBeLessThanOrEqual(1e-5)
    }
  })

  it('reports progress that never falls and ends at the total', async () => {
    const seen: Progress[] = []
    await explainer.explain(both, { ...fewScales, onProgress: (progress) => void seen.push(progress) })
    const done = seen.map((progress) => progress.done)
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect(new Set(seen.map(({ total }) => total))).toEqual(
      new Set([explainer.plan({ height: 224, width: 224 }, fewScales).forwards]),
    )
    expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total)
  })

  it('leaves the base method alone without SESS, whatever is said of fusion', async () => {
    const image = goldenImage(readGolden('base_gradcam'))
    const base = await explainer.explain(image, { target: 188, sess: false })
    const said = { theta: 0.5, fusion: 'average', preFilter: 0.5 } as const
    const same = await explainer.explain(image, { target: 188, sess: false, ...said })
    expect(same.map.data).toEqual(base.map.data)
    expect(same.plan.forwards).toBe(1)
  })

  it('says what a plan will take: memory that grows with the photo, seconds once a speed is known', async () => {
    await using fresh = await Explainer.load(mobilenet)
    const small = fresh.plan({ height: 224, width: 224 })
    const large = fresh.plan({ height: 3000, width: 4000 })
    expect(small.seconds).toBeNull()
    expect(large.memory - small.memory).toBeGreaterThan(3000 * 4000 * 11 - 224 * 224 * 11)
    await fresh.explain(both, fewScales)
    expect(fresh.plan({ height: 224, width: 224 }).seconds).toBeGreaterThan(0)
  })

  it('looks at what a method takes before it looks at the image', async () => {
    const refused = {
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/^samples is 5, but grad-cam has no such/),
    }
    await expect(explainer.explain('/nowhere.jpg', { samples: 5 })).rejects.toMatchObject(refused)
  })

  it('stops within a batch when its signal says so', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const running = explainer.explain(both, {
      batch: 2,
      signal: controller.signal,
      onProgress: ({ done }) => {
        seen.push(done)
        if (done >= 5) controller.abort(new Error('enough'))
      },
    })
    await expect(running).rejects.toMatchObject({ name: 'SessError', code: 'ABORTED', cause: new Error('enough') })
    // On a CUDA device, four units of scores or a pass that wait there are too late to be stopped
    expect(Math.max(...seen)).toBeLessThanOrEqual(process.env.SESS_DEVICE === 'cuda' ? 9 : 7)
    await expect(explainer.explain(both, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const after = await explainer.explain(both, fewScales)
    expect(after.map.data.every(Number.isFinite)).toBe(true)
  })

  it('keeps the maps of the windows when asked to', async () => {
    const { windowMaps, windows } = await explainer.explain(both, { ...fewScales, preFilter: 0.5, keepMaps: true })
    const kept = windows.filter((window) => window.kept).length
    expect(windowMaps?.length).toBe(kept * 224 * 224)
    expect(windowMaps?.every((value) => value >= 0 && value <= 1)).toBe(true)
    await expect(explainer.explain(both, fewScales)).resolves.toMatchObject({ windowMaps: undefined })
  })

  it('draws an overlay in the photo size', async () => {
    const explanation = await explainer.explain(both, { sess: false })
    const png = await explanation.overlay({ colormap: 'viridis' }).toBuffer()
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    const { width, height } = await (await explanation.overlay({ caption: false }).sharp()).metadata()
    expect([width, height]).toEqual([224, 224])
    const captioned = await (await explanation.overlay().sharp()).metadata()
    expect(captioned.width).toBeGreaterThan(224)
    expect(captioned.height).toBeGreaterThan(224 + 4 * 14)
    expect(() => explanation.overlay({ alpha: 2 })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  it('classifies the base view, the most probable first', async () => {
    const classes = await explainer.classify(both, { top: 3 })
    expect(classes.map(({ index, label }) => [index, label])).toEqual([
      [243, 'bull mastiff'],
      [282, 'tiger cat'],
      [292, 'tiger'],
    ])
    expect(classes[0]?.probability).toBeCloseTo(0.813, 3)
    const { target } = await explainer.explain(both, { sess: false })
    expect(target).toEqual(classes[0])
  })

  it('takes bytes, a URL and raw pixels for the same photo', async () => {
    const options = { ...fewScales, sess: false }
    const { map } = await explainer.explain(both, options)
    const url = new URL(`file://${both}`)
    for (const image of [url, readFileSync(both), new Uint8Array(readFileSync(both))]) {
      expect((await explainer.explain(image, options)).map.data).toEqual(map.data)
    }
    const raw = { data: new Uint8Array(30 * 20 * 3).fill(128), width: 30, height: 20, channels: 3 } as const
    expect((await explainer.explain(raw, options)).map).toMatchObject({ width: 30, height: 20 })
  })

  it.each<[string, object, string, RegExp]>([
    ['an unknown label', { target: 'tigger cat' }, 'TARGET_UNKNOWN', /tiger cat/],
    ['an index out of range', { target: 1000 }, 'TARGET_UNKNOWN', /999/],
    ['an ambiguous label', { target: 'terrier' }, 'TARGET_AMBIGUOUS', /Yorkshire terrier/],
    ['an unknown layer', { layer: 'conv_pw_99' }, 'LAYER_NOT_FOUND', /conv_pw_13_relu/],
    ['an unknown method', { method: 'grab-cam' }, 'OPTION_INVALID', /method is "grab-cam".*grad-cam/],
    ['an unknown fusion', { fusion: 'median' }, 'OPTION_INVALID', /fusion is "median".*mean, max or average/],
    ['a pre-filter of one', { preFilter: 1 }, 'OPTION_INVALID', /preFilter is 1.*below 1/],
    ['a step of zero', { step: 0 }, 'OPTION_INVALID', /step is 0/],
    ['an even smoothing kernel', { smooth: { size: 10 } }, 'OPTION_INVALID', /odd/],
    ['no target at all', { target: [] }, 'OPTION_INVALID', /target is \[\]/],
    ['an option that does not exist', { preFliter: 0.5 }, 'OPTION_INVALID', /preFliter.*preFilter/],
    ['NaN', { theta: Number.NaN }, 'OPTION_INVALID', /theta is NaN/],
    ['a tiny limit of windows', { maxWindows: 10 }, 'OPTION_INVALID', /122 windows/],
    ['a photo over the limit', { maxPixels: 100 }, 'IMAGE_TOO_LARGE', /max-pixels/],
  ])('refuses %s', async (_, options, code, message) => {
    const refused = explainer.explain(both, options)
    await expect(refused).rejects.toMatchObject({ code })
    await expect(refused).rejects.toThrow(message)
  })

  it('explains another layer on request, upsampled from its own grid', async () => {
    const { layer, map } = await explainer.explain(both, { layer: 'conv_pw_11_relu', sess: false })
    expect(layer).toBe('conv_pw_11_relu')
    expect(map.data.some((value) => value > 0)).toBe(true)
  })

  it('is disposed once, and then says so', async () => {
    const other = await Explainer.load(mobilenet)
    const running = other.explain(both, fewScales)
    await Promise.all([other.dispose(), other.dispose(), running])
    await expect(other.explain(both)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it.runIf(cudaFault(cudaState()) !== undefined)('does not load with a CUDA device that is not there', async () => {
    await expect(Explainer.load(mobilenet, { device: 'cuda' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })

  it.each<[string, object, string]>([
    ['half precision on the CPU', { device: 'cpu', precision: 'fp16' }, 'OPTION_INVALID'],
    ['TF32 on the CPU', { device: 'cpu', precision: 'tf32' }, 'OPTION_INVALID'],
    ['no threads', { threads: 0 }, 'OPTION_INVALID'],
    ['a mean of two numbers', { mean: [0.5, 0.5] }, 'OPTION_INVALID'],
    ['labels that are not there', { labels: '/nowhere/labels.txt' }, 'OPTION_INVALID'],
    ['an unknown layer', { layer: 'nothing' }, 'LAYER_NOT_FOUND'],
  ])('does not load with %s', async (_, options, code) => {
    await expect(Explainer.load(mobilenet, options)).rejects.toMatchObject({ name: 'SessError', code })
  })
})

describe.skipIf(sharedMissing)('hostile models', () => {
  interface Expectation {
    readonly expect: 'runs' | 'error' | 'same-map' | 'runs-or-error'
    readonly code?: string
    readonly as?: string
    readonly tolerance?: number
  }
  const all: Record<string, Expectation> = sharedMissing
    ? {}
    : JSON.parse(readFileSync(shared('data/hostile/hostile.json'), 'utf8'))
  const models = Object.entries(all).filter(([name]) => name.startsWith('models/'))
  const mapOf = async (name: string) => {
    await using explainer = await Explainer.load(shared(`data/hostile/${name}`), {
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    })
    return (await explainer.explain(both, { target: 1, scales: 3 })).map.data
  }

  it.each(models)('%s does what is expected', async (name, expected) => {
    if (expected.expect === 'error') {
      await expect(mapOf(name)).rejects.toMatchObject({ name: 'SessError', code: expected.code })
      return
    }
    const map = await mapOf(name).catch((error: unknown) => {
      if (expected.expect === 'runs-or-error') return expect(error).toMatchObject({ code: expected.code })
      throw error
    })
    if (map === undefined) return
    expect(map.every(Number.isFinite)).toBe(true)
    if (expected.as !== undefined) {
      expect(largestDifference(map, await mapOf(expected.as))).toBeLessThanOrEqual(expected.tolerance ?? 0)
    }
  })

  it('explains two models fed by one photo without knowing of each other', async () => {
    const [a, b] = await Promise.all([mapOf('models/good.onnx'), mapOf('models/batch1.onnx')])
    expect(largestDifference(a, b)).toBeLessThanOrEqual(1e-5)
  })
})
