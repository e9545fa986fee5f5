import { afterAll, describe, expect, it, vi } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import type { ExplainOptions } from '../../src/options.ts'
import { chunksOf } from '../../src/sess/chunks.ts'
import { makePlan } from '../../src/sess/plan.ts'
import { int, modelBytes, op, randomTensor } from '../onnx/models.ts'
import { temporaryModels } from '../temporary-models.ts'

/** Windows of a chunk; 0: as memory allows. */
let most = 0
vi.mock('../../src/sess/chunks.ts', async (original) => {
  const real = await original<typeof import('../../src/sess/chunks.ts')>()
  return {
    chunksOf: (...[plan, cells, keepMaps]: Parameters<typeof real.chunksOf>) => {
      if (most === 0) return real.chunksOf(plan, cells, keepMaps)
      const count = Math.ceil(plan.windows.length / most)
      return Array.from({ length: count }, (_, i) => ({
        first: i * most,
        end: Math.min((i + 1) * most, plan.windows.length),
      }))
    },
  }
})

const model = modelBytes({
  input: { dims: ['n', 3, 12, 16] },
  nodes: [
    op('Conv', 'x k', 'c'),
    op('Relu', 'c', 't'),
    op('GlobalAveragePool', 't', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ],
  tensors: [randomTensor('k', [6, 3, 3, 3]), randomTensor('w', [5, 6])],
})
const photo = {
  data: Uint8Array.from({ length: 37 * 53 * 3 }, (_, i) => (i * 73 + ((i * i) % 251)) % 256),
  width: 53,
  height: 37,
  channels: 3,
} as const
type OneTarget = ExplainOptions & { readonly target?: number }
const base: OneTarget = { method: 'gradient', target: 2, scales: [16, 21, 40], step: [5, 7], batch: 4 }

describe('maps that are fused chunk by chunk', async () => {
  const models = temporaryModels()
  const explainer = await Explainer.load(models.write('small', model), { mean: [0, 0, 0], std: [0.05, 0.05, 0.05] })
  afterAll(async () => {
    await explainer.dispose()
    models.remove()
  })

  it.each<[string, OneTarget]>([
    ['the weighted average', {}],
    ['the maximum', { fusion: 'max' }],
    ['the plain average', { fusion: 'average' }],
    ['a threshold', { theta: 0.2 }],
    ['a pre-filter', { preFilter: 0.6 }],
    ['both, on a layer', { theta: 0.1, preFilter: 0.3, method: 'grad-cam' }],
    ['several steps of a path', { method: 'integrated-gradients', samples: 3 }],
  ])('give the map of all at once: %s', async (_, options) => {
    most = 0
    const whole = await explainer.explain(photo, { ...base, ...options })
    for (most of [1, 7, 50]) {
      const calls: number[] = []
      const parts = await explainer.explain(photo, {
        ...base,
        ...options,
        onProgress: ({ done, total }) => {
          expect(done).toBeLessThanOrEqual(total)
          calls.push(done, total)
        },
      })
      expect(parts.windows.map(({ weight, kept }) => [weight, kept])).toEqual(
        whole.windows.map(({ weight, kept }) => [weight, kept]),
      )
      expect(Math.max(...whole.map.data)).toBeGreaterThan(0)
      for (const [i, value] of whole.map.data.entries()) {
        expect(Math.abs(value - (parts.map.data[i] ?? Number.NaN))).toBeLessThan(1e-5)
      }
      expect(calls.at(-2)).toBe(calls.at(-1))
    }
  })

  it('cover every window once, as evenly as they go', async () => {
    const real = await vi.importActual<typeof import('../../src/sess/chunks.ts')>('../../src/sess/chunks.ts')
    expect(chunksOf).not.toBe(real.chunksOf)
    const options = { step: undefined, antialias: true, sess: true, batch: 8, maxWindows: 100_000, passes: 1 }
    const plan = makePlan({ height: 20, width: 3000 }, { height: 224, width: 224 }, { ...options, scales: 12 })
    const chunks = real.chunksOf(plan, 224 * 224, false)
    expect(chunks.length).toBeGreaterThan(1)
    expect(chunks.map(({ first }) => first)).toEqual([0, ...chunks.slice(0, -1).map(({ end }) => end)])
    expect(chunks.at(-1)?.end).toBe(plan.windows.length)
    for (const { first, end } of chunks) expect((end - first) * 224 * 224 * 4).toBeLessThanOrEqual(256 << 20)
    expect(real.chunksOf(plan, 224 * 224, true)).toEqual([{ first: 0, end: plan.windows.length }])
  })
})
