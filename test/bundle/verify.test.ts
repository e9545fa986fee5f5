import { copyFileSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealsOf } from '../../src/bundle/seals.ts'
import { verify } from '../../src/bundle/verify.ts'
import { Explainer } from '../../src/explainer.ts'
import { methods } from '../../src/methods/index.ts'
import type { ExplainOptions, LoadOptions } from '../../src/options.ts'
import { modelBytes } from '../onnx/models.ts'
import { bad, Case, dense, detail, external, flipped, kernel, named, photo, spec } from './case.ts'

let made: Case
beforeEach(async () => {
  made = await Case.make()
})
afterEach(() => made.remove())

describe('a bundle as it was written', () => {
  it('agrees, every pixel the same', async () => {
    const found = await verify(await made.bundle())
    expect(found).toMatchObject({ agrees: true, map: { maximum: 0, share: 0, box: undefined }, windows: [] })
    expect(found.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'seals same',
      'photo same',
      'pixels same',
      'model same',
      'manifest same',
      'map.npy same',
      'windows.npy same',
      'plan same',
      'target same',
      'windows same',
      'map same',
    ])
  })

  it.each<[string, ExplainOptions, LoadOptions]>([
    ['every choice of SESS', { scales: [16, 21], step: [5, 7], preFilter: 0.3, theta: 0.1, fusion: 'max' }, {}],
    ['no smoothing, no antialias', { smooth: false, antialias: false }, {}],
    ['another kernel', { smooth: { size: 5, sigma: 2 } }, {}],
    ['no SESS', { sess: false }, {}],
    ['a class held against another', { target: 'bee', against: 'dog' }, {}],
    ['a method that draws at random', { method: 'smoothgrad', samples: 3, seed: 7 }, {}],
    ['masks at random', { method: 'rise', masks: 20, seed: 3 }, {}],
    ['another layer', { layer: 'c' }, {}],
    ['mean, std, labels and activation of options', {}, { ...overrides(), labels: ['v', 'w', 'x', 'y', 'z'] }],
  ])('agrees with %s', async (_, options, load) => {
    const found = await verify(await made.bundle(options, load))
    expect(bad(found)).toEqual([])
    expect(found.map?.maximum).toBe(0)
  })

  it.each(methods.map(({ name }) => name))('agrees for %s', async (method) => {
    const found = await verify(await made.bundle({ method, scales: 1, ...cheap(method) }))
    expect(bad(found)).toEqual([])
    expect(found.map?.maximum).toBe(0)
  })

  it('agrees on another number of threads, and in another batch', async () => {
    const bundle = await made.bundle({ step: 3 }, { threads: 1 })
    const found = await verify(bundle, { threads: 2 })
    expect(bad(found)).toEqual([])
    expect(found.map?.maximum).toBeLessThan(1e-5)
    made.edit((content) => {
      content.options.batch = 3
    })
    expect(bad(await verify(bundle))).toEqual(['options.batch'])
  })

  it('agrees once it was moved with its photo and model', async () => {
    await made.bundle()
    mkdirSync(made.at('elsewhere/deep'), { recursive: true })
    for (const name of ['out.sess', 'photo.png', 'small.onnx', 'small.json']) {
      renameSync(made.at(name), made.at(`elsewhere/deep/${name}`))
    }
    expect(bad(await verify(made.at('elsewhere/deep/out.sess/')))).toEqual([])
  })

  it('agrees where folders are links', async () => {
    mkdirSync(made.at('a/b'), { recursive: true })
    symlinkSync(made.at('a/b'), made.at('link'))
    await made.bundle({}, {}, 'link/out.sess')
    expect(made.read('a/b/out.sess').photo.path).toBe('../../../photo.png')
    expect(bad(await verify(made.at('link/out.sess')))).toEqual([])
    expect(bad(await verify(made.at('a/b/out.sess')))).toEqual([])
  })

  it('agrees for a model named by its folder, by its manifest, by a URL, and by its id', async () => {
    mkdirSync(made.at('net'))
    for (const name of ['small.onnx', 'small.json']) copyFileSync(made.at(name), made.at(`net/${name}`))
    for (const model of [made.at('net'), made.at('net/small.json'), pathToFileURL(made.at('small.onnx')), 'tiny200']) {
      const explainer = await Explainer.load(model)
      const explanation = await explainer.explain(made.at('photo.png'), { scales: 1 })
      await explanation.toBundle(made.at('out.sess'))
      await explainer.dispose()
      expect(bad(await verify(made.at('out.sess')))).toEqual([])
    }
    expect(made.read().model).toMatchObject({ id: 'tiny200' })
    expect(made.read().model).not.toHaveProperty('path')
  })

  it('agrees where the model keeps weights in other files', async () => {
    made.write('small.onnx', modelBytes({ ...spec, tensors: [external(kernel, 'k.bin'), external(dense, 'w.bin')] }))
    made.write('k.bin', kernel.rawData)
    made.write('w.bin', dense.rawData)
    const bundle = await made.bundle()
    expect(bad(await verify(bundle))).toEqual([])
    made.write('w.bin', flipped(dense).rawData)
    const found = await verify(bundle)
    expect(bad(found)).toEqual(expect.arrayContaining(['model w.bin', 'map']))
    expect(named(found, 'same')).toEqual(expect.arrayContaining(['model', 'model k.bin']))
  })

  it('agrees where the photo has alpha', async () => {
    const data = Uint8Array.from({ length: 9 * 7 * 4 }, (_, i) => (i * 37) % 256)
    await sharp(data, { raw: { width: 9, height: 7, channels: 4 } })
      .png()
      .toFile(made.at('photo.png'))
    expect(bad(await verify(await made.bundle()))).toEqual([])
  })

  it('agrees for one pixel', async () => {
    await sharp(Uint8Array.of(1, 2, 3), { raw: { width: 1, height: 1, channels: 3 } })
      .png()
      .toFile(made.at('photo.png'))
    expect(bad(await verify(await made.bundle()))).toEqual([])
  })
})

describe('what may differ', () => {
  it('is told and no failure: versions and processor', async () => {
    const bundle = await made.bundle()
    made.edit((content) => {
      content.versions.onnxruntime = '1.22.0'
      content.device.simd = 'neon'
      const { seals: _, ...rest } = content
      content.seals = sealsOf(rest)
    })
    const found = await verify(bundle)
    expect(found.agrees).toBe(true)
    expect(named(found, 'noted')).toEqual(['versions.onnxruntime', 'device'])
  })

  it('is told and no failure: a GPU in the bundle and none here', async () => {
    const bundle = await made.bundle()
    made.edit((content) => {
      content.device = { type: 'cuda', precision: 'fp16' }
      const { seals: _, ...rest } = content
      content.seals = sealsOf(rest)
    })
    const found = await verify(bundle, { device: 'cpu' })
    expect(found.agrees).toBe(true)
    expect(named(found, 'noted')).toEqual(['device', 'precision'])
    expect(detail(found, 'device')).toMatch(/^cpu \(\w+\) here, cuda in the bundle$/)
    expect(detail(found, 'precision')).toBe('fp32 here, fp16 in the bundle: a processor computes in no other than fp32')
  })

  it('is bounded by the tolerance', async () => {
    const bundle = await made.bundle()
    await made.photo(
      'photo.png',
      Uint8Array.from(photo.data, (v) => Math.max(0, v - 1)),
    )
    const strict = await verify(bundle, { tolerance: 0 })
    const loose = await verify(bundle, { tolerance: 1 })
    expect(bad(strict)).toEqual(['photo', 'pixels', 'target', 'windows', 'map'])
    expect(bad(loose)).toEqual(['photo', 'pixels'])
    expect(strict.map?.share).toBeGreaterThan(0.5)
    expect(loose.map?.share).toBe(0)
  })
})

describe('verify', () => {
  it.each<[string, object, RegExp]>([
    ['an unknown option', { tolerence: 1 }, /tolerence is no option/],
    ['a tolerance below 0', { tolerance: -1 }, /tolerance is -1/],
    ['no image', { image: '' }, /image is ""/],
  ])('refuses %s', async (_, options, message) => {
    const failure = verify(await made.bundle(), options)
    await expect(failure).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(failure).rejects.toThrow(message)
  })

  it("holds to its own limits, not to the bundle's", async () => {
    const bundle = await made.bundle()
    const few = await verify(bundle, { maxWindows: 2 })
    expect(detail(few, 'map')).toMatch(/more than maxWindows 2/)
    const small = await verify(bundle, { maxPixels: 100 })
    expect(detail(small, 'pixels')).toMatch(/the limit is 100/)
  })

  it('reads no more numbers than its limits allow', async () => {
    const bundle = await made.bundle()
    const few = await verify(bundle, { maxWindows: made.read().plan.windows - 1 })
    expect(named(few, 'missing')).toEqual(['windows.npy', 'map'])
    expect(detail(few, 'windows.npy')).toMatch(
      /samples are not read: more than maxWindows \d+ \(--max-windows\) allows/,
    )
    const small = await verify(bundle, { maxPixels: 23 * 31 - 1 })
    expect(named(small, 'missing')).toEqual(['pixels', 'map.npy', 'map'])
    expect(detail(small, 'map.npy')).toMatch(/^23 x 31 samples are not read: more than maxPixels 712/)
    const enough = await verify(bundle, { maxWindows: made.read().plan.windows, maxPixels: 23 * 31 })
    expect(bad(enough)).toEqual([])
  })

  it('can be stopped', async () => {
    const bundle = await made.bundle()
    await expect(verify(bundle, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const controller = new AbortController()
    const stopped = verify(bundle, { signal: controller.signal, onProgress: () => controller.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('says how far it is', async () => {
    const bundle = await made.bundle()
    const done: number[] = []
    await verify(bundle, { onProgress: (progress) => done.push(progress.done) })
    expect(done.at(-1)).toBe(made.read().plan.forwards)
  })
})

function overrides(): LoadOptions {
  return { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], activation: 'sigmoid' }
}

function cheap(method: string): ExplainOptions {
  if (method === 'rise') return { masks: 10 }
  return method === 'smoothgrad' || method === 'integrated-gradients' ? { samples: 3 } : {}
}
