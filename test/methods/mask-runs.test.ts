import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import { floatTensor } from '../../src/onnx/tensors.ts'
import type { ExplainOptions } from '../../src/options.ts'
import { int, type ModelSpec, modelBytes, op, randomTensor, uniform } from '../onnx/models.ts'
import { temporaryModels } from '../temporary-models.ts'
import { K, MODELS } from './layouts.ts'
import { norm, up } from './plain-masks.ts'

const models = temporaryModels()
afterAll(() => models.remove())
const preprocessing = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
const photo = {
  data: Uint8Array.from({ length: 17 * 23 * 3 }, (_, i) => (i * 91 + ((i * i) % 249)) % 256),
  width: 23,
  height: 17,
  channels: 3,
} as const

/** A few masks each, so that a run takes no time. */
const few: Readonly<Record<string, ExplainOptions>> = {
  'score-cam': {},
  'group-cam': { groups: 3 },
  'ablation-cam': {},
  rise: { masks: 21, maskGrid: 3, seed: 4 },
  occlusion: { square: 5, stride: 4 },
}
const scales = [16, 24]

function furthest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0)
}

describe.each(Object.keys(few))('%s under SESS', (method) => {
  let explainer: Explainer
  const options = { method, scales, ...few[method] }
  beforeAll(async () => {
    const path = models.write(
      method,
      modelBytes(MODELS['a head of two linear layers over every cell'] ?? { nodes: [] }),
    )
    explainer = await Explainer.load(path, preprocessing)
  })
  afterAll(() => explainer?.dispose())

  it('gives the same map for any batch and any number of threads', async () => {
    const path = models.write(
      `${method} threads`,
      modelBytes(MODELS['a head of two linear layers over every cell'] ?? { nodes: [] }),
    )
    const { map } = await explainer.explain(photo, { ...options, target: 1, batch: 4 })
    expect(Math.max(...map.data)).toBeGreaterThan(0)
    for (const batch of [1, 3, 32]) {
      const other = await explainer.explain(photo, { ...options, target: 1, batch })
      expect(furthest(map.data, other.map.data)).toBeLessThan(1e-5)
    }
    await using threaded = await Explainer.load(path, { ...preprocessing, threads: 4 })
    const other = await threaded.explain(photo, { ...options, target: 1, batch: 5 })
    expect(furthest(map.data, other.map.data)).toBeLessThan(1e-5)
  })

  it('explains several targets as it explains each', async () => {
    const all = await explainer.explain(photo, { ...options, target: [1, 3, 'top-1'] })
    for (const [t, target] of ([1, 3, 'top-1'] as const).entries()) {
      const one = await explainer.explain(photo, { ...options, target })
      expect(all[t]?.target.index).toBe(one.target.index)
      expect(furthest(all[t]?.map.data ?? new Float32Array(), one.map.data)).toBeLessThan(1e-5)
    }
  })

  it('tells the passes of the head from those of the model', async () => {
    const channels = explainer.info.candidates.find(({ name }) => name === explainer.info.layer)?.channels ?? 0
    const heads = (more: object) => explainer.plan(photo, { ...options, target: 2, ...more })
    const [whole, halved, base] = [heads({}), heads({ preFilter: 0.5 }), heads({ sess: false })]
    const windows = whole.windows.length
    const kept = windows - Math.floor(windows / 2)
    const each = method === 'ablation-cam' ? channels : 0
    expect([whole, halved, base].map(({ headForwards }) => headForwards)).toEqual([windows * each, kept * each, each])
    expect(channels).toBeGreaterThan(1)
  })

  it('counts up to the total that the plan states, skipped masks and dropped windows included', async () => {
    for (const preFilter of [0, 0.5]) {
      const steps: { readonly done: number; readonly total: number }[] = []
      const onProgress = (step: { readonly done: number; readonly total: number }) => steps.push(step)
      const { plan } = await explainer.explain(photo, { ...options, target: 2, preFilter, onProgress })
      expect(new Set(steps.map(({ total }) => total))).toEqual(new Set([plan.forwards]))
      expect(steps.at(-1)?.done).toBe(plan.forwards)
      const done = steps.map((step) => step.done)
      expect(done).toEqual([...done].sort((a, b) => a - b))
      expect(explainer.plan(photo, { ...options, target: 2, preFilter }).forwards).toBe(plan.forwards)
    }
  })

  it('asks the masks of the windows that the pre-filter keeps alone', async () => {
    const whole = explainer.plan(photo, { ...options, target: 2 })
    const filtered = explainer.plan(photo, { ...options, target: 2, preFilter: 0.75 })
    expect(filtered.forwards).toBeLessThan(whole.forwards * 0.6)
  })

  it('stops within a batch', async () => {
    const controller = new AbortController()
    const onProgress = ({ done }: { readonly done: number }) => done > 5 && controller.abort()
    const running = explainer.explain(photo, { ...options, target: 1, signal: controller.signal, batch: 1, onProgress })
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('is not held against another class', async () => {
    const refused = { code: 'OPTION_INVALID', message: expect.stringContaining('against') }
    await expect(explainer.explain(photo, { ...options, target: 1, against: 2 })).rejects.toMatchObject(refused)
  })
})

describe('a setting that does not fit', () => {
  let explainer: Explainer
  beforeAll(async () => {
    const path = models.write('settings', modelBytes(MODELS['a pooled linear head'] ?? { nodes: [] }))
    explainer = await Explainer.load(path, preprocessing)
  })
  afterAll(() => explainer?.dispose())

  it.each<[string, ExplainOptions]>([
    ['groups', { method: 'group-cam', groups: 0 }],
    ['groups', { method: 'group-cam', groups: 7 }],
    ['topChannels', { method: 'score-cam', topChannels: 7 }],
    ['topChannels', { method: 'score-cam', topChannels: 0 }],
    ['masks', { method: 'rise', masks: 0 }],
    ['maskGrid', { method: 'rise', maskGrid: 14 }],
    ['maskGrid', { method: 'rise', maskGrid: 0 }],
    ['keep', { method: 'rise', keep: 0 }],
    ['keep', { method: 'rise', keep: 1 }],
    ['square', { method: 'occlusion', square: 14 }],
    ['square', { method: 'occlusion', square: 0 }],
    ['stride', { method: 'occlusion', square: 4, stride: 5 }],
    ['stride', { method: 'occlusion', stride: 0 }],
    ['groups', { method: 'score-cam', groups: 3 }],
    ['masks', { method: 'grad-cam', masks: 3 }],
    ['samples', { method: 'rise', samples: 3 }],
  ])('%s is named: %o', async (name, options) => {
    const refused = { code: 'OPTION_INVALID', message: expect.stringMatching(new RegExp(`^${name} is `)) }
    await expect(explainer.explain(photo, options)).rejects.toMatchObject(refused)
    expect(() => explainer.plan(photo, options)).toThrow(expect.objectContaining(refused))
  })
})

describe('a layer that the model cannot go on from', () => {
  it('is refused for ablation-cam alone', async () => {
    const nodes = [
      op('Conv', 'x k', 'c'),
      op('Relu', 'c', 'a'),
      op('Conv', 'a m', 'b'),
      op('Add', 'a b', 's'),
      op('GlobalAveragePool', 's', 'p'),
      op('Flatten', 'p', 'f'),
      op('Gemm', 'f w', 'z', { transB: int(1) }),
    ]
    const tensors = [randomTensor('k', [6, 3, 1, 1]), randomTensor('m', [6, 6, 1, 1]), randomTensor('w', [K, 6])]
    const path = models.write('bypassed', modelBytes({ input: { dims: ['n', 3, 9, 9] }, nodes, tensors }))
    await using explainer = await Explainer.load(path, preprocessing)
    const refused = { code: 'METHOD_UNSUPPORTED', message: expect.stringContaining('"b"') }
    const options = { layer: 'b', target: 1, sess: false }
    await expect(explainer.explain(photo, { ...options, method: 'ablation-cam' })).rejects.toMatchObject(refused)
    const { map } = await explainer.explain(photo, { ...options, method: 'score-cam' })
    expect(Math.max(...map.data)).toBe(1)
  })
})

describe('windows whose activations are not finite', () => {
  it('are dropped by each method that reads a layer', async () => {
    // log of a colour that is negative in the dark half of the photo
    const spec: ModelSpec = {
      input: { dims: ['n', 3, 8, 8] },
      nodes: [
        op('Log', 'x', 'l'),
        op('Conv', 'l k', 'a'),
        op('GlobalAveragePool', 'x', 'p'),
        op('GlobalMaxPool', 'a', 'q'),
        op('Flatten', 'p', 'f'),
        op('Gemm', 'f w', 'z', { transB: int(1) }),
        op('Flatten', 'q', 'g'),
        op('Gemm', 'g v', 'y', { transB: int(1) }),
        op('Sum', 'z y', 'o'),
      ],
      tensors: [
        floatTensor('k', [1, 1, 1, 1, -1, 1], [2, 3, 1, 1]),
        randomTensor('w', [K, 3]),
        floatTensor('v', new Array<number>(2 * K).fill(0), [K, 2]),
      ],
    }
    const half = Uint8Array.from({ length: 8 * 16 * 3 }, (_, i) => (Math.floor(i / 3) % 16 < 8 ? 20 : 200 + (i % 40)))
    await using explainer = await Explainer.load(models.write('log', modelBytes(spec)), preprocessing)
    const dark = { data: half, width: 16, height: 8, channels: 3 } as const
    for (const method of ['score-cam', 'group-cam']) {
      const running = explainer.explain(dark, { method, layer: 'a', target: 1, scales: [8] })
      const { map, nonfinite, windows } = await running
      expect(windows.length - nonfinite.length).toBeGreaterThan(0)
      expect(nonfinite.length).toBeGreaterThan(0)
      expect(map.data.every(Number.isFinite)).toBe(true)
    }
  })
})

describe('a classifier that looks at one patch', () => {
  const [side, patch] = [28, { top: 14, left: 7, size: 7 }]
  const isInside = (y: number, x: number) =>
    y >= patch.top && y < patch.top + patch.size && x >= patch.left && x < patch.left + patch.size
  let explainer: Explainer
  beforeAll(async () => {
    const weights = Array.from({ length: 3 * side * side }, (_, i) => {
      const pixel = i % (side * side)
      return isInside(Math.floor(pixel / side), pixel % side) ? 10 / (3 * patch.size ** 2) : 0
    })
    const nodes = [op('Flatten', 'x', 'f'), op('Gemm', 'f w b', 'z', { transB: int(1) })]
    const rows = [...weights, ...weights.map((w) => -w)]
    const tensors = [floatTensor('w', rows, [2, 3 * side * side]), floatTensor('b', [-5, 5], [2])]
    const path = models.write('patch', modelBytes({ input: { dims: ['n', 3, side, side] }, nodes, tensors }))
    explainer = await Explainer.load(path, { mean: [0, 0, 0], std: [1, 1, 1], activation: 'sigmoid' })
  })
  afterAll(() => explainer?.dispose())
  const white = { data: new Uint8Array(side * side * 3).fill(255), width: side, height: side, channels: 3 } as const

  it('is found by rise, within the sampling error', async () => {
    const options = { method: 'rise', target: 0, sess: false, masks: 2000, maskGrid: 7, seed: 1 }
    const { map } = await explainer.explain(white, options)
    const [expected, other] = [plainRise(2000, uniform(1)), plainRise(2000, uniform(2))]
    const error = furthest(Float32Array.from(expected), Float32Array.from(other)) // of one sample from another
    expect(error).toBeLessThan(0.25)
    expect(furthest(map.data, Float32Array.from(expected))).toBeLessThan(1.5 * error)
    const peak = map.data.indexOf(Math.max(...map.data))
    expect(isInside(Math.floor(peak / side), peak % side)).toBe(true)
  })

  /** RISE by the formula with other random numbers: what it says of the patch, normalised. */
  function plainRise(count: number, random: () => number): readonly number[] {
    const [cells, cell] = [8, 4]
    const frame = { height: cells * cell, width: cells * cell }
    const sum = new Float64Array(side * side)
    for (let m = 0; m < count; m++) {
      const grid = Array.from({ length: cells * cells }, () => (Math.abs(random()) % 1 < 0.5 ? 1 : 0))
      const whole = up(grid, { height: cells, width: cells }, frame)
      const [dy, dx] = [Math.floor(Math.abs(random()) * cell) % cell, Math.floor(Math.abs(random()) * cell) % cell]
      const mask = Float64Array.from(
        sum,
        (_, i) => whole[(Math.floor(i / side) + dy) * frame.width + (i % side) + dx] ?? 0,
      )
      const seen = mask.filter((_, i) => isInside(Math.floor(i / side), i % side)).reduce((a, b) => a + b, 0)
      const p = 1 / (1 + Math.exp(5 - (10 * seen) / patch.size ** 2))
      for (const [i, value] of mask.entries()) sum[i] = (sum[i] ?? 0) + p * value
    }
    return norm(Array.from(sum))
  }

  it('is found by occlusion, exactly', async () => {
    const { map } = await explainer.explain(white, {
      method: 'occlusion',
      target: 0,
      sess: false,
      square: 7,
      stride: 7,
    })
    for (const [i, value] of map.data.entries()) {
      expect(value).toBeCloseTo(isInside(Math.floor(i / side), i % side) ? 1 : 0, 6)
    }
  })

  it('has no layer that masks could be cut from', async () => {
    for (const method of ['score-cam', 'group-cam', 'ablation-cam']) {
      await expect(explainer.explain(white, { method, target: 0 })).rejects.toMatchObject({
        code: 'METHOD_UNSUPPORTED',
      })
    }
  })
})

describe('a channel that is the same everywhere', () => {
  it('is not asked about, and does not count as a pass that ran', async () => {
    const flat = floatTensor(
      'k',
      [...new Array<number>(9).fill(0), ...Array.from({ length: 9 }, uniform(3))],
      [6, 3, 1, 1],
    )
    const nodes = [
      op('Conv', 'x k', 'a'),
      op('GlobalAveragePool', 'a', 'p'),
      op('Flatten', 'p', 'f'),
      op('Gemm', 'f w', 'z', { transB: int(1) }),
    ]
    const path = models.write(
      'flat',
      modelBytes({ input: { dims: ['n', 3, 9, 9] }, nodes, tensors: [flat, randomTensor('w', [K, 6])] }),
    )
    await using explainer = await Explainer.load(path, preprocessing)
    const { plan, forwards } = await explainer.explain(photo, { method: 'score-cam', target: 1, sess: false })
    expect(plan.forwards).toBe(1 + 6)
    expect(forwards).toBe(1 + 3)
  })
})
