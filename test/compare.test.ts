import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../src/explainer.ts'
import type { CompareOptions, ExplainOptions, Progress } from '../src/options.ts'
import type { Plan } from '../src/sess/plan.ts'

const both = join(import.meta.dirname, '../docs/photos/both.jpg')

/** A photo of stripes, for sizes that no file has. */
const striped = (height: number, width: number) => ({
  data: Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 37 + Math.floor(i / 50) * 11) % 256),
  height,
  width,
  channels: 3 as const,
})

/** Windows of several plans, each once: level by size, the base view by itself. */
function distinctWindows(plans: readonly Plan[]): number {
  const keys = plans.flatMap(({ levels, windows, baseWindow }) => [
    'base',
    ...windows.map(({ index, level, y, x }) =>
      index === baseWindow ? 'base' : [levels[level]?.height, levels[level]?.width, y, x].join(' '),
    ),
  ])
  return new Set(keys).size
}

let explainer: Explainer
beforeAll(async () => {
  explainer = await Explainer.load('tiny200')
})
afterAll(() => explainer?.dispose())

describe.each<[string, CompareOptions]>([
  ['steps and fusions', { scales: [64, 100], steps: [64, [32, 48], 24], fusions: ['mean', 'max', 'average'] }],
  ['a pre-filter', { scales: 3, steps: [64, 40], preFilter: 0.5 }],
  ['an aliased pyramid', { scales: [64, 80], antialias: false }],
  ['a threshold, without smoothing', { scales: [70], theta: 0.1, smooth: false, fusions: ['mean', 'average'] }],
  ['a combination of classes', { scales: [64], target: 'espresso', against: 'Egyptian cat' }],
])('a comparison of %s', (_, options) => {
  const methods = ['grad-cam', 'guided-backprop', 'integrated-gradients']
  const target = options.target ?? 'Egyptian cat'
  const asked = { samples: 2, ...options, target, methods }

  it('has the maps that explain gives for each cell alone', async () => {
    const { cells, target: explained } = await explainer.compare(both, asked)
    const { steps = [undefined], fusions = ['mean' as const] } = options
    expect(cells).toHaveLength(methods.length * (1 + steps.length * fusions.length))
    expect(explained.label).toBe(target)
    for (const cell of cells) {
      const { steps: _, fusions: __, methods: ___, samples, ...rest } = asked
      const variant = cell.kind === 'base' ? { sess: false, preFilter: 0 } : { step: cell.step, fusion: cell.fusion }
      const own = { ...rest, ...variant, method: cell.method }
      const [alone] = await explainer.explain(both, {
        ...(cell.method === 'integrated-gradients' ? { ...own, samples } : own),
        target: [target],
      })
      if (alone === undefined) throw new Error('no explanation')
      const { data, width, height } = cell.map
      expect([width, height]).toEqual([alone.map.width, alone.map.height])
      const worst = data.reduce((top, value, i) => Math.max(top, Math.abs(value - (alone.map.data[i] ?? 9))), 0)
      expect(worst, `${cell.method} ${JSON.stringify(variant)}`).toBeLessThanOrEqual(1e-6)
      expect(cell.maximum).toBe(data.reduce((top, value) => Math.max(top, value), 0))
      expect(cell.layer).toBe(alone.options.layer)
      expect(cell.forwards).toBe(alone.plan.forwards)
      expect(cell.probability).toBeCloseTo(Math.max(...alone.windows.map((window) => window.probability)), 6)
    }
  })

  it('runs each forward pass that cells share once', async () => {
    const seen: Progress[] = []
    const onProgress = (progress: Progress) => void seen.push(progress)
    const comparison = await explainer.compare(both, {
      ...asked,
      methods: ['grad-cam'],
      samples: undefined,
      onProgress,
    })
    const distinct = distinctWindows(comparison.cells.map(({ plan }) => plan))
    expect(comparison.forwards).toBe(distinct)
    expect(seen.at(-1)).toEqual({ done: distinct, total: distinct, phase: 'fusion' })
    const alone = comparison.cells.reduce((sum, { forwards }) => sum + forwards, 0)
    if (options.antialias !== false) expect(comparison.forwards).toBeLessThan(alone)
  })
})

it('of one step, the base view is run once for the base map and SESS', async () => {
  const photo = striped(96, 96)
  const { forwards, cells } = await explainer.compare(photo, { methods: ['grad-cam'], scales: [64, 96] })
  expect(cells.map((cell) => cell.forwards)).toEqual([1, 1 + 4])
  expect(forwards).toBe(1 + 4)
})

it('of a method that asks copies, those of a window that is kept twice are run once', async () => {
  const photo = striped(96, 96)
  const options = { methods: ['smoothgrad'], samples: 3, scales: [64, 96], fusions: ['mean', 'max'] } as const
  expect((await explainer.compare(photo, options)).forwards).toBe(5 * (1 + 3))
  const filtered = await explainer.compare(photo, { ...options, preFilter: 0.6 })
  // 5 scores, then the two best windows and the base view, which may be one of them
  const kept = filtered.forwards - 5
  expect([2 * 4, 3 * 4]).toContain(kept)
})

it('without a list compares the methods of the demo, Score-CAM at 5 scales and with a pre-filter', async () => {
  const photo = striped(70, 90)
  const settings = { topChannels: 3, groups: 4 }
  const seen: Progress[] = []
  const { cells } = await explainer.compare(photo, { ...settings, onProgress: (progress) => void seen.push(progress) })
  const done = seen.map((progress) => progress.done)
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(Math.max(...done)).toBe(seen[0]?.total)
  const shown = cells.map(({ method, kind, plan, preFilter }) => [method, kind, plan.scales.length, preFilter])
  expect(shown).toEqual([
    ...['grad-cam', 'guided-backprop', 'group-cam'].flatMap((method) => [
      [method, 'base', 0, 0],
      [method, 'sess', 12, 0],
    ]),
    ['score-cam', 'base', 0, 0],
    ['score-cam', 'sess', 5, 0.5],
  ])
  const target = ['top-1']
  const group = await explainer.explain(photo, { target, method: 'group-cam', groups: 4 })
  const score = await explainer.explain(photo, {
    target,
    method: 'score-cam',
    topChannels: 3,
    scales: 5,
    preFilter: 0.5,
  })
  for (const [i, alone] of [
    [5, group],
    [7, score],
  ] as const) {
    const expected = alone[0]?.map.data ?? new Float32Array()
    const worst = expected.reduce((top, value, k) => Math.max(top, Math.abs(value - (cells[i]?.map.data[k] ?? 9))), 0)
    expect(worst).toBeLessThanOrEqual(1e-6)
    expect(expected).toHaveLength(70 * 90)
  }
})

it('reports progress that never falls, over all methods, and ends at the total', async () => {
  const seen: Progress[] = []
  const methods = ['grad-cam', 'smoothgrad', 'gradient']
  await explainer.compare(both, {
    methods,
    samples: 2,
    scales: [64, 100],
    preFilter: 0.5,
    onProgress: (p) => void seen.push(p),
  })
  const done = seen.map((progress) => progress.done)
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(new Set(seen.map(({ total }) => total)).size).toBe(1)
  expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total)
})

it('explains one class in every cell: the top-1 of the base view', async () => {
  const options = { methods: ['gradient', 'grad-cam'], scales: [64] }
  const { target } = await explainer.compare(both, options)
  const [best] = await explainer.classify(both, { top: 1 })
  expect(target).toEqual(best)
})

it.each([
  [1, 1],
  [1, 300],
  [7, 5],
])('takes a photo of %i x %i', async (height, width) => {
  const { cells } = await explainer.compare(striped(height, width), { methods: ['grad-cam'], scales: [64] })
  for (const { map, topShare } of cells) {
    expect(map.data).toHaveLength(height * width)
    if (topShare !== null) expect(topShare).toBeGreaterThanOrEqual(0.1)
  }
})

it.each<[string, object, string, RegExp]>([
  ['an unknown method', { methods: ['grad-cam', 'grab-cam'] }, 'OPTION_INVALID', /method is "grab-cam"/],
  ['a method twice', { methods: ['cam', 'cam'] }, 'OPTION_INVALID', /methods is \["cam", "cam"\].*each once/],
  ['no method', { methods: [] }, 'OPTION_INVALID', /methods is \[\]/],
  ['a step twice', { methods: ['cam'], steps: [8, [8, 8]] }, 'OPTION_INVALID', /steps is .*each once/],
  ['a step of zero', { methods: ['cam'], steps: [0] }, 'OPTION_INVALID', /steps is \[0\]/],
  ['an unknown fusion', { methods: ['cam'], fusions: ['median'] }, 'OPTION_INVALID', /fusions is \["median"\].*mean/],
  ['an option of explain that is a list here', { method: 'cam' }, 'OPTION_INVALID', /method is no option.*methods/],
  ['samples for methods that take none', { methods: ['cam'], samples: 3 }, 'OPTION_INVALID', /samples is 3/],
  ['several targets', { methods: ['cam'], target: [1, 2] }, 'OPTION_INVALID', /target is/],
  ['an unknown target', { methods: ['cam'], target: 'unicorn' }, 'TARGET_UNKNOWN', /unicorn/],
  ['a layer that is not there', { methods: ['cam'], layer: 'nothing' }, 'LAYER_NOT_FOUND', /nothing/],
])('refuses %s', async (_, options, code, message) => {
  const refused = explainer.compare(both, options satisfies ExplainOptions)
  await expect(refused).rejects.toMatchObject({ code })
  await expect(refused).rejects.toThrow(message)
})

it('stops when its signal says so', async () => {
  const controller = new AbortController()
  const running = explainer.compare(both, {
    methods: ['grad-cam', 'gradient'],
    signal: controller.signal,
    onProgress: ({ done }) => {
      if (done > 5) controller.abort(new Error('enough'))
    },
  })
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
})
