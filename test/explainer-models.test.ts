import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../src/explainer.ts'
import type { SaliencyMap } from '../src/explanation.ts'
import { int, ints, type ModelSpec, modelBytes, op, randomTensor, shapeTensor } from './onnx/models.ts'

/** Models made here, so that these run without the reference data. */
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-models-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const load = (name: string, spec: ModelSpec, options = {}) => {
  const path = join(folder, `${name}.onnx`)
  writeFileSync(path, modelBytes(spec))
  return Explainer.load(path, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], ...options })
}

const kernel = randomTensor('k', [6, 3, 3, 3])
const dense = randomTensor('w', [5, 6])
const trunk = [op('Conv', 'x k', 'c'), op('Relu', 'c', 't')]
const head = [op('GlobalAveragePool', 't', 'p'), op('Flatten', 'p', 'f'), op('Gemm', 'f w', 'z', { transB: int(1) })]
const plain: ModelSpec = { nodes: [...trunk, ...head], tensors: [kernel, dense], input: { dims: ['n', 3, 16, 16] } }

const photo = {
  data: Uint8Array.from({ length: 37 * 29 * 3 }, (_, i) => (i * 73 + ((i * i) % 251)) % 256),
  width: 37,
  height: 29,
  channels: 3,
} as const

function expectSame(a: SaliencyMap, b: SaliencyMap): void {
  expect([a.width, a.height]).toEqual([b.width, b.height])
  expect(a.data.some((value) => value > 0)).toBe(true)
  for (const [i, value] of a.data.entries()) expect(Math.abs(value - (b.data[i] ?? Number.NaN))).toBeLessThan(1e-5)
}

describe('an explanation', () => {
  it.each<[string, ModelSpec]>([
    ['takes one image at a time', { ...plain, input: { dims: [1, 3, 16, 16] } }],
    ['ends in a Softmax', { ...plain, nodes: [...plain.nodes, op('Softmax', 'z', 'q')] }],
    [
      'has channels last',
      {
        ...plain,
        input: { name: 'image', dims: ['n', 16, 16, 3] },
        nodes: [op('Transpose', 'image', 'x', { perm: ints(0, 3, 1, 2) }), ...plain.nodes],
      },
    ],
    [
      'cannot be batched',
      {
        ...plain,
        input: { dims: [1, 3, 16, 16] },
        tensors: [kernel, dense, shapeTensor('one', 1, 6)],
        nodes: [
          ...trunk,
          op('GlobalAveragePool', 't', 'p'),
          op('Flatten', 'p', 'g', { axis: int(0) }),
          op('Reshape', 'g one', 'f'),
          op('Gemm', 'f w', 'z', { transB: int(1) }),
        ],
      },
    ],
  ])('is the same for a model that %s', async (name, spec) => {
    await using one = await load('plain', plain)
    await using other = await load(name, spec)
    const options = { target: 2, scales: 4, step: 9 }
    expectSame((await other.explain(photo, options)).map, (await one.explain(photo, options)).map)
  })

  it('is the same with one band per level as with many windows cut from it one by one', async () => {
    await using explainer = await load('plain', plain)
    const [apart, overlapping] = [
      await explainer.explain(photo, { target: 1, scales: [16, 40], step: 16 }),
      await explainer.explain(photo, { target: 1, scales: [16, 40], step: 3 }),
    ]
    const place = (w: { level: number; y: number; x: number }) => `${w.level} ${w.y} ${w.x}`
    const others = new Map(overlapping.windows.map((w) => [place(w), w.probability]))
    for (const window of apart.windows) {
      const same = others.get(place(window))
      if (same !== undefined) expect(window.probability).toBeCloseTo(same, 6)
    }
    expect(apart.windows.filter((w) => others.has(place(w))).length).toBeGreaterThan(3)
  })

  it('of a multi-label model weighs by the sigmoid', async () => {
    await using explainer = await load('sigmoid', { ...plain, nodes: [...plain.nodes, op('Sigmoid', 'z', 'q')] })
    expect(explainer.info.activation).toBe('sigmoid')
    const { target, windows } = await explainer.explain(photo, { target: 3, scales: 2 })
    expect(target.probability).toBeCloseTo(1 / (1 + Math.exp(-target.logit)), 6)
    const best = Math.max(...windows.map(({ probability }) => probability))
    for (const { probability, weight } of windows) expect(weight).toBeCloseTo(probability / best, 5)
  })

  it('works for windows that are not square', async () => {
    await using explainer = await load('wide', { ...plain, input: { dims: ['n', 3, 12, 20] } })
    const { map, plan, windows } = await explainer.explain(photo, { target: 0, scales: 3 })
    expect(plan.scales).toEqual([20, 26, 31])
    expect(windows.every(({ width, height }) => width === 20 && height === 12)).toBe(true)
    expect([map.width, map.height]).toEqual([37, 29])
    expect(map.data.every((value) => value >= 0 && value <= 1)).toBe(true)
  })

  // log(x - 0.2) summed: NaN for windows with a dark pixel, as the whole photo has
  const brittle: ModelSpec = {
    ...plain,
    nodes: [op('Log', 'x', 'l'), op('Conv', 'l k', 'c'), op('Relu', 'c', 't'), ...head],
  }
  const halfDark = {
    data: Uint8Array.from({ length: 48 * 16 * 3 }, (_, i) => (Math.floor(i / 3) % 48 < 16 ? 10 : 200 + ((i * 7) % 50))),
    width: 48,
    height: 16,
    channels: 3,
  } as const

  it('has no top-1 where the whole photo gives logits that are not finite', async () => {
    await using explainer = await load('brittle', brittle)
    await expect(explainer.explain(halfDark, { scales: [16] })).rejects.toMatchObject({ code: 'MODEL_NONFINITE' })
    await expect(explainer.classify(halfDark)).rejects.toMatchObject({ code: 'MODEL_NONFINITE' })
  })

  it('leaves out windows that are not finite, and says which', async () => {
    await using explainer = await load('brittle', brittle)
    const { map, nonfinite, windows } = await explainer.explain(halfDark, { scales: [16], step: 16, target: 1 })
    expect(nonfinite).toEqual([0])
    expect(windows.map(({ kept }) => kept)).toEqual([false, true, true])
    expect(map.data.every(Number.isFinite)).toBe(true)
  })

  it('can be refused while its model still classifies, and says why', async () => {
    const noMap = {
      ...plain,
      nodes: [op('Flatten', 'x', 'f'), op('Gemm', 'f v', 'z')],
      tensors: [randomTensor('v', [768, 5])],
    }
    await using explainer = await load('no-map', noMap)
    expect(explainer.info.methods).toContainEqual({
      name: 'grad-cam',
      supported: false,
      reason: expect.stringContaining('feature map'),
    })
    expect(explainer.info.methods).toContainEqual({ name: 'gradient', supported: true })
    await expect(explainer.explain(photo)).rejects.toMatchObject({ code: 'METHOD_UNSUPPORTED' })
    expect(await explainer.classify(photo)).toHaveLength(5)
  })

  it('needs a label for every class, or none', async () => {
    await expect(load('plain', plain, { labels: ['a', 'b'] })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await using explainer = await load('plain', plain, { labels: ['a', 'b', 'c', 'd', 'e'] })
    expect((await explainer.explain(photo, { target: 'd', sess: false })).target.index).toBe(3)
  })
})
