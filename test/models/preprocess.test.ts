import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/models/manifest.ts'
import { pixelNumbers, preprocessing } from '../../src/models/preprocess.ts'

type Part = Pick<Manifest, 'input' | 'preprocess'>
const pixel = [200, 30, 40] as const // red, green, blue

/** Input channels of the model for the pixel, as the native op computes them. */
function applied(manifest: Part | undefined, overrides: Parameters<typeof preprocessing>[1] = {}): number[] {
  const { channels, scale, bias } = preprocessing(manifest, overrides)
  return channels.map((from, c) => (pixel[from] ?? Number.NaN) * (scale[c] ?? Number.NaN) + (bias[c] ?? Number.NaN))
}

describe('preprocessing', () => {
  it.each<[string, Part | undefined, Parameters<typeof preprocessing>[1], number[]]>([
    [
      'a bare model: ImageNet',
      undefined,
      {},
      [(200 / 255 - 0.485) / 0.229, (30 / 255 - 0.456) / 0.224, (40 / 255 - 0.406) / 0.225],
    ],
    [
      'a bare BGR model: ImageNet, blue first',
      { input: { channels: 'BGR' } },
      {},
      [(40 / 255 - 0.406) / 0.225, (30 / 255 - 0.456) / 0.224, (200 / 255 - 0.485) / 0.229],
    ],
    [
      'mean and std of the manifest',
      { preprocess: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } },
      {},
      [200, 30, 40].map((v) => v / 127.5 - 1),
    ],
    [
      'a BGR manifest gives blue first',
      { input: { channels: 'BGR' }, preprocess: { mean: [0.1, 0.2, 0.3], std: [1, 2, 4] } },
      {},
      [40 / 255 - 0.1, (30 / 255 - 0.2) / 2, (200 / 255 - 0.3) / 4],
    ],
    [
      "Caffe's: a scale of 1 and means of bytes",
      { input: { channels: 'BGR' }, preprocess: { mean: [103.939, 116.779, 123.68], std: [1, 1, 1], scale: 1 } },
      {},
      [40 - 103.939, 30 - 116.779, 200 - 123.68],
    ],
    ['a scale alone', { preprocess: { scale: 1 } }, {}, [200, 30, 40]],
    [
      'options before the manifest',
      { preprocess: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } },
      { mean: [0, 0, 0] },
      [200, 30, 40].map((v) => v / 127.5),
    ],
    ['options alone', undefined, { mean: [0, 0, 0], std: [1, 1, 1] }, [200, 30, 40].map((v) => v / 255)],
  ])('%s', (_, manifest, overrides, expected) => {
    const x = applied(manifest, overrides)
    for (const [c, value] of expected.entries()) expect(x[c]).toBeCloseTo(value, 10)
  })

  it.each<[boolean, Part | undefined, Parameters<typeof preprocessing>[1]]>([
    [true, undefined, {}],
    [true, { input: { channels: 'BGR' } }, {}],
    [true, { preprocess: {} }, {}],
    [false, { preprocess: { scale: 1 } }, {}],
    [false, undefined, { mean: [0, 0, 0], std: [1, 1, 1] }],
  ])('inferred is %s for %j with %j', (inferred, manifest, overrides) => {
    expect(preprocessing(manifest, overrides).inferred).toBe(inferred)
  })

  it.each<[string, object]>([
    ['mean', { mean: [1, 2], std: [1, 1, 1] }],
    ['mean', { mean: [1, 2, Number.NaN], std: [1, 1, 1] }],
    ['std', { mean: [0, 0, 0], std: [1, 0, 1] }],
    ['std', { mean: [0, 0, 0] }],
    ['mean', { std: [1, 1, 1] }],
  ])('refuses %s in %j', (name, overrides) => {
    const attempt = () => preprocessing(undefined, overrides)
    expect(attempt).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(attempt).toThrow(new RegExp(`^${name} is`))
  })
})

describe('the numbers of preprocessing', () => {
  it.each<[string, Part | undefined, Parameters<typeof preprocessing>[1]]>([
    ['a bare model', undefined, {}],
    ['BGR, nothing else stated', { input: { channels: 'BGR' } }, {}],
    ['a scale alone', { preprocess: { scale: 1 / 127.5 } }, {}],
    ['std of an option', { preprocess: { mean: [0.1, 0.2, 0.3] } }, { std: [0.7, 0.6, 0.3] }],
    ['options alone', undefined, { mean: [0.1, 0.2, 0.3], std: [0.7, 0.6, 0.3] }],
  ])('stated in a manifest make the same pixels: %s', (_, manifest, overrides) => {
    const { channels, mean, std, scale } = pixelNumbers(manifest, overrides)
    const stated = { input: { channels }, preprocess: { mean: [...mean], std: [...std], scale } } as Part
    expect(preprocessing(stated)).toEqual({ ...preprocessing(manifest, overrides), inferred: false })
  })
})
