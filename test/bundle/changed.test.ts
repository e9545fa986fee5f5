import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealsOf } from '../../src/bundle/seals.ts'
import { verify } from '../../src/bundle/verify.ts'
import { modelBytes } from '../onnx/models.ts'
import { bad, Case, dense, detail, flipped, kernel, labels, manifest, named, photo, spec } from './case.ts'

let made: Case
beforeEach(async () => {
  made = await Case.make()
})
afterEach(() => made.remove())

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

  it('that the model cannot take is told with the map, which cannot be computed', async () => {
    const bundle = await made.bundle()
    made.edit(({ options }) => {
      options.step = [99, 99]
    })
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['options.step', 'map'])
    expect(detail(found, 'map')).toMatch(
      /^cannot be computed again: step is \[99, 99\]; expected 1 to .*\. Other than in the bundle: options\.step$/,
    )
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
    const found = await verify(bundle)
    expect(named(found, 'missing')).toEqual(['model', 'map'])
    expect(detail(found, 'model')).toBe(
      `${made.at('small.onnx')} is not there. Put small.onnx back, or name the model with --model (model in the library).`,
    )
    expect(bad(await verify(bundle, { model: made.at('other.onnx') }))).toEqual([])
    const nowhere = await verify(bundle, { model: made.at('nowhere.onnx') })
    expect(detail(nowhere, 'model')).toMatch(/nowhere\.onnx is neither a file, nor a folder/)
  })

  it('whose folder has no model in it is told as that', async () => {
    const bundle = await made.bundle()
    rmSync(made.at('small.onnx'))
    mkdirSync(made.at('small.onnx'))
    const found = await verify(bundle)
    expect(detail(found, 'model')).toMatch(/has no \.onnx file\. .* Or name the model with --model/)
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
    expect(detail(found, 'model')).toMatch(/sess models pull hf:nobody\/nothing\. Or name the model with --model/)
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

  it.each([
    ['raised', 0.004],
    ['not a number', Number.NaN],
  ])('is told with a window whose weight alone is %s, as its seal was renewed', async (_, by) => {
    const bundle = await made.bundle()
    const path = join(bundle, 'windows.npy')
    const file = readFileSync(path)
    const count = made.read().windows.count
    const values = new Float32Array(file.buffer, file.byteOffset + file.length - 8 * count, 2 * count)
    const before = values[2 * 4 + 1] ?? 0
    values[2 * 4 + 1] = before + by
    writeFileSync(path, file)
    made.edit((content) => {
      content.windows.sha256 = createHash('sha256').update(file).digest('hex')
      const { seals: __, ...rest } = content
      content.seals = sealsOf(rest)
    })
    const found = await verify(bundle)
    expect(bad(found)).toEqual(['windows'])
    expect(detail(found, 'windows')).toMatch(/^1 of \d+ weights differ by more than 0\.001, most: window 4 \(/)
    expect(found.windows).toEqual([])
    if (!Number.isNaN(by)) expect(bad(await verify(bundle, { tolerance: 0.01 }))).toEqual([])
  })
})
