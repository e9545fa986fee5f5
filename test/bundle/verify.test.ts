import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealsOf } from '../../src/bundle/seals.ts'
import { verify } from '../../src/bundle/verify.ts'
import { Explainer } from '../../src/explainer.ts'
import { methods } from '../../src/methods/index.ts'
import type { ExplainOptions, LoadOptions } from '../../src/options.ts'
import { modelBytes } from '../onnx/models.ts'
import { bad, Case, dense, detail, external, flipped, kernel, labels, manifest, named, photo, spec } from './case.ts'

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

describe('a changed option', () => {
  it.each<[string, unknown]>([
    ['step', [6, 6]],
    ['theta', 0.2],
    ['fusion', 'max'],
    ['scales', [16, 22, 25]],
    ['smooth', false],
    ['preFilter', 0.5],
    ['target', 1],
    ['method', 'layer-cam'],
    ['antialias', false],
  ])('is found by its name: %s', async (name, value) => {
    const bundle = await made.bundle()
    made.edit((content) => {
      content.options[name] = value
    })
    const found = await verify(bundle)
    expect(bad(found)).toEqual(expect.arrayContaining([`options.${name}`, 'map']))
    expect(named(found, 'same')).toEqual(expect.arrayContaining(['photo', 'pixels', 'model', 'manifest', 'map.npy']))
    expect(detail(found, `options.${name}`)).toContain(JSON.stringify(value))
    expect(detail(found, 'map')).toMatch(new RegExp(`other than in the bundle: options\\.${name}$`))
  })

  it('is found by its name when it was taken out or put in', async () => {
    const bundle = await made.bundle()
    made.edit(({ options }) => {
      delete options.theta
      options.seed = 5
    })
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['options.seed', 'options.theta'])
    expect(detail(found, 'options.seed')).toMatch(/never sealed/)
    expect(detail(found, 'options.theta')).toMatch(/the bundle has none/)
  })

  it('that was sealed again is found by what comes out', async () => {
    const bundle = await made.bundle()
    made.edit((content) => {
      content.options.step = [6, 6]
      const { seals: _, ...rest } = content
      content.seals = sealsOf(rest)
    })
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['plan', 'windows', 'map'])
    expect(detail(found, 'plan')).toMatch(/^step \[6,6\] instead of \[12,16\]; windows \d+ instead of \d+/)
  })

  it.each<[string, (content: ReturnType<Case['read']>) => void]>([
    ['photo.sha256', ({ photo: facts }) => (facts.sha256 = '0'.repeat(64))],
    ['model.preprocess', ({ model }) => (model.preprocess.mean[1] = 0.45)],
    ['target.probability', ({ target }) => (target.probability += 0.01)],
    ['plan.levels', ({ plan }) => plan.levels.pop()],
    ['versions.node', ({ versions }) => (versions.node = '1.2.3')],
    ['device.precision', ({ device }) => (device.precision = 'fp16')],
    ['map.maximum', ({ map }) => (map.maximum = 2)],
  ])('as any other field: %s', async (field, edit) => {
    const bundle = await made.bundle()
    made.edit(edit)
    expect(bad(await verify(bundle))).toContain(field)
  })
})

describe('a changed photo', () => {
  it('of one pixel is found by its name', async () => {
    const bundle = await made.bundle()
    const data = Uint8Array.from(photo.data)
    data[3 * (5 * photo.width + 7)] = 255 - (data[3 * (5 * photo.width + 7)] ?? 0)
    await made.photo('photo.png', data)
    const found = await verify(bundle)
    expect(bad(found)).toEqual(expect.arrayContaining(['photo', 'pixels']))
    expect(named(found, 'same')).toEqual(expect.arrayContaining(['seals', 'model', 'manifest', 'map.npy', 'plan']))
    expect(found.map?.maximum).toBeGreaterThan(0)
  })

  it('whose pixels are the same is told apart', async () => {
    const bundle = await made.bundle()
    const { width, height, channels } = photo
    const raw = { width, height, channels }
    await sharp(photo.data, { raw }).png({ compressionLevel: 0 }).toFile(made.at('photo.png'))
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['photo'])
    expect(found.map?.maximum).toBe(0)
  })

  it('of another size gives no map to compare with', async () => {
    const bundle = await made.bundle()
    await sharp(readFileSync(made.at('photo.png')))
      .resize(20, 20)
      .toFile(made.at('photo.png'))
    const found = await verify(bundle)
    expect(bad(found)).toEqual(expect.arrayContaining(['photo', 'pixels', 'plan', 'map']))
    expect(detail(found, 'map')).toBe('20 x 20 pixels instead of 31 x 23: cannot be compared')
    expect(found.map).toBeUndefined()
  })

  it('that is no image, or gone, leaves the rest compared', async () => {
    const bundle = await made.bundle()
    writeFileSync(made.at('photo.png'), 'nothing of the kind')
    expect(bad(await verify(bundle))).toEqual(['photo', 'pixels', 'map'])
    rmSync(made.at('photo.png'))
    const found = await verify(bundle)
    expect(named(found, 'missing')).toEqual(['photo', 'map'])
    expect(named(found, 'same')).toEqual(expect.arrayContaining(['model', 'map.npy']))
  })

  it('is looked for where the options say', async () => {
    const bundle = await made.bundle()
    renameSync(made.at('photo.png'), made.at('moved.png'))
    const path = made.at('moved.png')
    for (const image of [path, pathToFileURL(path), readFileSync(path)]) {
      expect(bad(await verify(bundle, { image }))).toEqual([])
    }
    const found = await verify(bundle, { image: photo })
    expect(found).toMatchObject({ agrees: true, map: { maximum: 0 } })
    expect(found.checks.map(({ name }) => name)).not.toContain('photo')
  })
})

describe('a changed model', () => {
  it('of one flipped weight is found by its name', async () => {
    const bundle = await made.bundle()
    made.write('small.onnx', modelBytes({ ...spec, tensors: [flipped(kernel), dense] }))
    const found = await verify(bundle)
    expect(bad(found)).toEqual(expect.arrayContaining(['model', 'map']))
    expect(named(found, 'same')).toEqual(expect.arrayContaining(['seals', 'photo', 'pixels', 'manifest', 'plan']))
    expect(detail(found, 'model')).toMatch(/small\.onnx has SHA-256 \w{12} instead of \w{12}$/)
    expect(detail(found, 'map')).toMatch(/other than in the bundle: model, target|other than in the bundle: model$/)
  })

  it('is found although its manifest states the hash of the old one', async () => {
    const bundle = await made.bundle()
    made.write('small.onnx', modelBytes({ ...spec, tensors: [flipped(kernel), dense] }))
    made.write('small.json', JSON.stringify({ ...manifest, sha256: made.read().model.file.sha256 }))
    const found = await verify(bundle)
    expect(bad(found)).toEqual(expect.arrayContaining(['model', 'map']))
    expect(found.map).toBeDefined()
  })

  it.each<[string, object]>([
    ['preprocess', { preprocess: { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.2] } }],
    ['input', { input: { channels: 'BGR' } }],
    ['layer', { layer: 'c' }],
    ['activation', { activation: 'sigmoid' }],
    ['logits', { logits: 'z' }],
    ['labels', { labels: [...labels].reverse() }],
  ])("'s manifest is found by field, the bundle's word counting: %s", async (field, change) => {
    const bundle = await made.bundle()
    made.write('small.json', JSON.stringify({ ...manifest, ...change }))
    const found = await verify(bundle)
    expect(bad(found)).toEqual([`manifest.${field}`])
    expect(found.map?.maximum).toBe(0)
  })

  it('without its manifest agrees, for the bundle says what it stated', async () => {
    const bundle = await made.bundle()
    rmSync(made.at('small.json'))
    const found = await verify(bundle)
    expect(bad(found)).toEqual([])
    expect(named(found, 'noted')).toEqual(['manifest'])
  })

  it('is looked for where the options say', async () => {
    const bundle = await made.bundle()
    renameSync(made.at('small.onnx'), made.at('other.onnx'))
    expect(named(await verify(bundle), 'missing')).toEqual(['model', 'map'])
    expect(bad(await verify(bundle, { model: made.at('other.onnx') }))).toEqual([])
  })

  it('that is no model, or takes no such image, is told without a map', async () => {
    const bundle = await made.bundle()
    writeFileSync(made.at('small.onnx'), 'nothing of the kind')
    expect(bad(await verify(bundle))).toEqual(['model', 'map'])
    made.write('small.onnx', modelBytes({ ...spec, input: { dims: ['n', 3, 20, 20] } }))
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['model', 'map'])
    expect(detail(found, 'map')).toMatch(/^cannot be computed again: .*height of 20/)
  })

  it('of a hub is not downloaded', async () => {
    const bundle = await made.bundle()
    made.edit(({ model }) => {
      model.id = 'hf:nobody/nothing'
      delete model.path
    })
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['model.id', 'model.path', 'model', 'map'])
    expect(detail(found, 'model')).toMatch(/sess models pull hf:nobody\/nothing/)
  })
})

describe('a changed map', () => {
  const samples = (path: string) => {
    const file = readFileSync(path)
    return { file, values: new Float32Array(file.buffer, file.byteOffset + file.length - 4 * 31 * 23, 31 * 23) }
  }

  it.each([0.01, 0.002, Number.NaN])('in one value is found by its name, and where (by %f)', async (by) => {
    const bundle = await made.bundle()
    const { file, values } = samples(join(bundle, 'map.npy'))
    const place = 11 * 31 + 5
    const before = values[place] ?? 0
    values[place] = before + by
    writeFileSync(join(bundle, 'map.npy'), file)
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['map.npy', 'map'])
    expect(found.map).toMatchObject({ at: { x: 5, y: 11, found: before }, share: 1 / (31 * 23) })
    expect(found.map?.box).toEqual({ x: 5, y: 11, width: 1, height: 1 })
    expect(found.map?.maximum).toBeCloseTo(Number.isNaN(by) ? Number.POSITIVE_INFINITY : by, 6)
  })

  it.each<[string, (file: Buffer) => Uint8Array, RegExp]>([
    ['cut short', (file) => file.subarray(0, file.length - 4), /2848 bytes of samples where 23 x 31 needs 2852/],
    ['of another type', (file) => Buffer.from(file.toString('latin1').replace('<f4', '<i4'), 'latin1'), /<i4 samples/],
    [
      'of another shape',
      (file) => Buffer.from(file.toString('latin1').replace('23, 31', '31, 23'), 'latin1'),
      /31 x 23/,
    ],
    ['empty', () => Buffer.alloc(0), /is no \.npy file/],
    ['far too long', (file) => Buffer.concat([file, Buffer.alloc(100_000)]), /too many for 23 x 31/],
  ])('%s is found by its name', async (_, edit, why) => {
    const bundle = await made.bundle()
    writeFileSync(join(bundle, 'map.npy'), edit(readFileSync(join(bundle, 'map.npy'))))
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['map.npy', 'map'])
    expect(detail(found, 'map.npy')).toMatch(why)
  })

  it('that is missing, or a link that leads out, is found by its name', async () => {
    const bundle = await made.bundle()
    renameSync(join(bundle, 'map.npy'), made.at('map.npy'))
    expect(named(await verify(bundle), 'missing')).toEqual(['map.npy', 'map'])
    symlinkSync(made.at('map.npy'), join(bundle, 'map.npy'))
    expect(bad(await verify(bundle))).toEqual(['map.npy', 'map'])
  })

  it('is told with the windows whose probability is another', async () => {
    const bundle = await made.bundle()
    const path = join(bundle, 'windows.npy')
    const file = readFileSync(path)
    const count = made.read().windows.count
    const values = new Float32Array(file.buffer, file.byteOffset + file.length - 8 * count, 2 * count)
    const before = values[2 * 4] ?? 0
    values[2 * 4] = before + 0.25
    values[2 * 1] = Number.NaN
    writeFileSync(path, file)
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['windows.npy', 'windows'])
    expect(found.windows.map(({ index }) => index)).toEqual([1, 4])
    expect(found.windows[1]?.found).toBeCloseTo(before, 6)
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
