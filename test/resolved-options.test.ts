import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../src/explainer.ts'
import { methods } from '../src/methods/index.ts'
import type { ExplainOptions, Target } from '../src/options.ts'
import type { ResolvedOptions } from '../src/resolved-options.ts'
import { sess } from './cli/context.ts'
import { int, ints, type ModelSpec, modelBytes, op, randomTensor, shapeTensor } from './onnx/models.ts'

const plain: ModelSpec = {
  input: { dims: ['n', 3, 16, 16] },
  nodes: [
    op('Conv', 'x k', 'c'),
    op('Relu', 'c', 'a'),
    op('GlobalAveragePool', 'a', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ],
  tensors: [randomTensor('k', [6, 3, 3, 3]), randomTensor('w', [5, 6])],
}
const transformer: ModelSpec = {
  input: { dims: ['n', 3, 12, 16] },
  nodes: [
    op('Conv', 'x patch', 'e', { strides: ints(4, 4) }),
    op('Reshape', 'e shape', 'g'),
    op('Transpose', 'g', 't', { perm: ints(0, 2, 1) }),
    op('MatMul', 't query', 'q'),
    op('ReduceMean', 'q', 'mean', { axes: ints(1), keepdims: int(0) }),
    op('Gemm', 'mean w', 'z', { transB: int(1) }),
  ],
  tensors: [
    randomTensor('patch', [6, 3, 4, 4]),
    shapeTensor('shape', 0, 6, 12),
    randomTensor('query', [6, 6]),
    randomTensor('w', [5, 6]),
  ],
}
const load = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], labels: ['ant', 'bee', 'cow', 'dog', 'eel'] }
const photo = {
  data: Uint8Array.from({ length: 23 * 31 * 3 }, (_, i) => (i * 73 + ((i * i) % 251)) % 256),
  width: 31,
  height: 23,
  channels: 3,
} as const

let folder: string
let path: string
let explainer: Explainer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sess-resolved-'))
  path = join(folder, 'plain.onnx')
  writeFileSync(path, modelBytes(plain))
  explainer = await Explainer.load(path, load)
})
afterAll(async () => {
  await explainer?.dispose()
  rmSync(folder, { recursive: true })
})

/** So that a run takes no time. */
const few: Readonly<Record<string, Asked>> = {
  smoothgrad: { samples: 3, seed: 4 },
  'integrated-gradients': { samples: 3 },
  'group-cam': { groups: 2, grouping: 'k-means', seed: 1 },
  'score-cam': { topChannels: 4 },
  rise: { masks: 9, maskGrid: 3, keep: 0.4, seed: 2 },
  occlusion: { square: 5, stride: 3 },
}

/** Options for one target. */
type Asked = ExplainOptions & { readonly target?: Target }

describe('the options of an explanation', () => {
  it('are the defaults where nothing is asked', async () => {
    const { options, target, layer, plan } = await explainer.explain(photo, { batch: 4 })
    expect(options).toEqual({
      method: 'grad-cam',
      layer,
      target: target.index,
      scales: plan.scales,
      step: [16, 16],
      preFilter: 0,
      theta: 0,
      fusion: 'mean',
      smooth: { size: 11, sigma: 5 },
      sess: true,
      antialias: true,
      batch: 4,
      maxWindows: 100_000,
      maxPixels: 268_000_000,
      keepMaps: false,
    })
  })

  it.each<[string, Asked]>([
    [
      'a class held against others',
      {
        target: 'cow',
        against: [
          { target: 'dog', weight: 0.5 },
          { target: 0, weight: -1 },
        ],
        scales: 3,
        step: [9, 7],
      },
    ],
    ['a label', { target: 1, against: 'eel', scales: [20], smooth: { size: 3 }, fusion: 'max' }],
    ['the base method alone', { sess: false, method: 'gradient' }],
    ['noise', { method: 'smoothgrad', samples: 3, seed: 8, scales: 2, preFilter: 0.3, theta: 0.1, antialias: false }],
    ['a path', { method: 'integrated-gradients', samples: 4, scales: 1, smooth: false }],
    ...methods.map(({ name }): [string, Asked] => [
      `${name} of tokens or a layer`,
      { ...few[name], method: name, scales: 2 },
    ]),
    ['a layer', { layer: 'c', scales: 2, fusion: 'average', batch: 3 }],
  ])('make the same map again: %s', async (_, asked) => {
    const first = await explainer.explain(photo, asked)
    const options: ResolvedOptions = JSON.parse(JSON.stringify(first.options))
    const second = await explainer.explain(photo, options)
    expect(second.map.data).toEqual(first.map.data)
    expect(second.options).toEqual(first.options)
    expect(Math.max(...first.map.data)).toBeGreaterThan(0)
  })

  it('say of each target its own class, and of the others how much they weigh', async () => {
    const against = [
      { target: 'bee', weight: 2 },
      { target: 4, weight: -0.5 },
    ]
    const several = await explainer.explain(photo, { target: ['ant', 3], against, sess: false })
    expect(several.map(({ options }) => options.target)).toEqual([0, 3])
    expect(several[1]?.options.against).toEqual([
      { target: 1, weight: 2 },
      { target: 4, weight: -0.5 },
    ])
  })

  it('hold nothing that the run did not ask', async () => {
    const { options } = await explainer.explain(photo, { sess: false, method: 'gradient' })
    expect(options.sess).toBe(false)
    const unasked = ['layer', 'samples', 'seed', 'scales', 'step', 'theta', 'fusion', 'preFilter', 'smooth'] as const
    for (const key of unasked) expect(options[key]).toBeUndefined()
    const path = await explainer.explain(photo, { sess: false, method: 'integrated-gradients' })
    expect([path.options.samples, path.options.seed]).toEqual([50, undefined])
    const noise = await explainer.explain(photo, { sess: false, method: 'smoothgrad' })
    expect([noise.options.samples, noise.options.seed]).toEqual([25, 0])
    const both = await explainer.explain(photo, { sess: false, method: 'guided-grad-cam' })
    expect(both.options.layer).toBe('a')
  })

  it('name the grid of patches', async () => {
    const file = join(folder, 'transformer.onnx')
    writeFileSync(file, modelBytes(transformer))
    await using tokens = await Explainer.load(file, load)
    expect((await tokens.explain(photo, { sess: false })).tokens).toEqual([3, 4])
    await using stated = await Explainer.load(file, { ...load, tokens: [2, 6] })
    expect((await stated.explain(photo, { sess: false })).tokens).toEqual([2, 6])
  })

  it('stand in the report of the command line', async () => {
    const image = join(folder, 'photo.png')
    const { data, width, height, channels } = photo
    await sharp(data, { raw: { width, height, channels } }).png().toFile(image)
    const report = join(folder, 'report.json')
    const argv = ['explain', image, '-o', report, '--model', path, '--mean', '0.5,0.5,0.5', '--std', '0.25,0.25,0.25']
    const { status, stderr } = await sess([...argv, '--target', '2', '--against', '3', '--scales', '2', '--batch', '4'])
    expect(status, stderr).toBe(0)
    const { options, model } = JSON.parse(readFileSync(report, 'utf8'))
    const same = await explainer.explain(photo, { target: 2, against: 3, scales: 2, batch: 4 })
    expect(options).toEqual(JSON.parse(JSON.stringify(same.options)))
    expect(model).toMatchObject({ layer: 'a', activation: 'softmax', preprocessing: { inferred: false } })
    const { device, computePrecision } = same
    expect({ device, computePrecision }).toEqual({ device: explainer.info.device, computePrecision: 'fp32' })
  })
})
