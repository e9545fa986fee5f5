import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { planCompareOutputs } from '../../src/cli/compare-outputs.ts'
import type { Context } from '../../src/cli/context.ts'
import { SessError } from '../../src/error.ts'
import { decodeNpy } from '../io/npy.ts'
import { sess } from './context.ts'

let folder: string
let photo: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-compare-'))
  photo = join(folder, 'both.jpg')
  copyFileSync(join(import.meta.dirname, '../../docs/photos/both.jpg'), photo)
})
afterEach(() => rmSync(folder, { recursive: true }))

const few = ['--methods', 'grad-cam,guided-backprop', '--scales', '64', '--target', 'Egyptian cat']

describe('sess compare', () => {
  it('writes a sheet beside the photo', async () => {
    const result = await sess(['compare', photo, ...few])
    const out = join(folder, 'both.compare.png')
    expect(result).toMatchObject({ status: 0, stdout: '' })
    expect(result.stderr).toMatch(
      /^sess: \S+both\.jpg: Egyptian cat \(32\), [\d.]+ %, 4 maps of 2 methods, \d+ forward passes in [\d.]+ s -> \S+both\.compare\.png\n$/,
    )
    expect(readdirSync(folder).sort()).toEqual(['both.compare.png', 'both.jpg'])
    expect(await sharp(out).metadata()).toMatchObject({ format: 'png', width: 2 * 24 + 190 + 3 * 376 })
  })

  it('fills a folder with sheet, numbers and maps', async () => {
    const out = join(folder, 'out/')
    const result = await sess([
      'compare',
      photo,
      ...few,
      '--step',
      '64,40',
      '--fusion',
      'mean,average',
      '-o',
      out,
      '--quiet',
    ])
    expect(result).toEqual({ status: 0, stdout: '', stderr: '' })
    const variants = ['base', ...['64-mean', '64-average', '40-mean', '40-average'].map((of) => `sess-step${of}`)]
    expect(readdirSync(out).sort()).toEqual(
      [
        'numbers.json',
        'sheet.png',
        ...['grad-cam', 'guided-backprop'].flatMap((method) => variants.map((variant) => `${method}-${variant}.npy`)),
      ].sort(),
    )
    const numbers = JSON.parse(readFileSync(join(out, 'numbers.json'), 'utf8'))
    expect(numbers).toMatchObject({
      schema: 1,
      image: { name: photo, width: 640, height: 426 },
      model: { id: 'tiny200' },
      target: { index: 32, label: 'Egyptian cat' },
    })
    expect(numbers.cells).toHaveLength(10)
    const alone = numbers.cells.reduce((sum: number, cell: { forwards: number }) => sum + cell.forwards, 0)
    expect(numbers.forwards).toBeLessThan(alone)
    const names: readonly string[] = numbers.cells.map(
      (cell: { method: string; kind: string; step?: number[]; fusion?: string }) =>
        `${cell.method}-${cell.kind}${cell.kind === 'base' ? '' : `-step${cell.step?.[0]}-${cell.fusion}`}.npy`,
    )
    for (const [i, name] of names.entries()) {
      const { shape, data } = decodeNpy(readFileSync(join(out, name)))
      expect(shape).toEqual([426, 640])
      expect(Float64Array.from(data).reduce((top, value) => Math.max(top, value), 0)).toBeCloseTo(
        numbers.cells[i].maximum,
        12,
      )
      expect(numbers.cells[i].topShare).toBeGreaterThanOrEqual(0.1)
      expect(numbers.cells[i].seconds).toBeGreaterThan(0)
    }
  })

  it('prints the numbers as one line with --json, and takes sheets of other formats', async () => {
    const [webp, json] = [join(folder, 'a.webp'), join(folder, 'a.json')]
    const { status, stdout } = await sess(['compare', photo, ...few, '-o', webp, '-o', json, '--json'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^\{.*\}\n$/)
    const { outputs, ...printed } = JSON.parse(stdout)
    expect(outputs).toEqual([webp, json])
    expect(printed).toEqual(JSON.parse(readFileSync(json, 'utf8')))
    expect((await sharp(webp).metadata()).format).toBe('webp')
  })

  it.each<[string, string[], number, RegExp]>([
    ['an unknown method', ['--methods', 'grab-cam'], 2, /^sess: OPTION_INVALID: --method is "grab-cam"/],
    ['an empty list', ['--methods', ''], 2, /^sess: OPTION_INVALID: --methods is ""/],
    ['a step of zero', ['--step', '16,0'], 2, /^sess: OPTION_INVALID: --step is "0"/],
    ['an unknown fusion', ['--fusion', 'mean,median'], 2, /^sess: OPTION_INVALID: --fusion is "median"/],
    ['a map as the only output', ['-o', 'a.npy'], 2, /^sess: OPTION_INVALID: -o is "a.npy".*folder/],
    ['an unknown target', ['--methods', 'cam', '--target', 'unicorn'], 2, /^sess: TARGET_UNKNOWN: /],
    ['a second target', [...few, '--target', '7'], 2, /^sess: OPTION_INVALID: --target is "7".*once/],
    ['a folder that does not exist', [...few, '-o', '/nowhere/a.png'], 1, /^sess: OUTPUT_UNWRITABLE: /],
  ])('refuses %s', async (_, options, status, message) => {
    const result = await sess(['compare', photo, ...options])
    expect(result).toMatchObject({ status, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(result.stderr.trim()).not.toContain('\n')
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })

  it('says which image cannot be read, also as JSON', async () => {
    const missing = join(folder, 'missing.jpg')
    const result = await sess(['compare', missing, ...few, '--json'])
    expect(result.status).toBe(1)
    expect(result.stderr).toMatch(/^sess: IMAGE_UNREADABLE: .*missing\.jpg/)
    expect(JSON.parse(result.stdout)).toMatchObject({ image: { name: missing }, error: { code: 'IMAGE_UNREADABLE' } })
  })

  it('a run that fails takes the folder away that it made, and leaves one that was there', async () => {
    const failing = ['--methods', 'cam', '--target', 'unicorn']
    const made = await sess(['compare', photo, ...failing, '-o', join(folder, 'new/out/')])
    expect(made).toMatchObject({ status: 2, stderr: expect.stringMatching(/^sess: TARGET_UNKNOWN: /) })
    expect(readdirSync(folder)).toEqual(['both.jpg'])
    mkdirSync(join(folder, 'there'))
    await sess(['compare', photo, ...failing, '-o', join(folder, 'there/')])
    expect(readdirSync(folder)).toEqual(['both.jpg', 'there'])
  })

  it('a sheet that its format cannot hold is refused before a model is loaded', async () => {
    const load: Context['load'] = () => Promise.reject(new SessError('MODEL_NOT_FOUND', 'asked for'))
    const wide = (steps: number) => [
      ...['--methods', 'cam', '--fusion', 'mean,max', '--step', Array.from({ length: steps }, (_, i) => i + 1).join()],
    ]
    const run = (steps: number, name: string) =>
      sess(['compare', photo, ...wide(steps), '-o', join(folder, name)], { load })
    // 238 + (2 + 2 * 20) * 376 = 16,030 and 238 + (2 + 2 * 21) * 376 = 16,782
    expect((await run(20, 'a.webp')).stderr).toMatch(/^sess: MODEL_NOT_FOUND/)
    expect((await run(21, 'a.webp')).stderr).toMatch(
      /^sess: OUTPUT_UNWRITABLE: \S+a\.webp would have 16782 pixels on a side, and WebP ends at 16383\. Choose PNG/,
    )
    expect((await run(24, 'a.png')).stderr).toMatch(/^sess: MODEL_NOT_FOUND/)
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })

  it('needs one image', async () => {
    expect((await sess(['compare'])).status).toBe(2)
    expect((await sess(['compare', photo, photo])).status).toBe(2)
  })

  it('stopped by its signal, leaves nothing', async () => {
    const controller = new AbortController()
    const load: Context['load'] = async (model, options) => {
      const { Explainer } = await import('../../src/explainer.ts')
      const explainer = await Explainer.load(model, options)
      setTimeout(() => controller.abort(new Error('SIGINT')), 20)
      return explainer
    }
    const result = await sess(['compare', photo, '--methods', 'gradient', '--step', '4'], {
      signal: controller.signal,
      load,
    })
    expect(result.status).toBe(130)
    expect(result.stderr).toMatch(/^sess: ABORTED: /)
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })

  it('tells the library what the options say', async () => {
    const calls: object[] = []
    const load = (async () => ({
      info: { input: { height: 224, width: 224 }, preprocessing: {}, model: 'fake', device: { type: 'cpu' } },
      compare: async (_: string, options: object) => {
        calls.push(options)
        throw new SessError('MODEL_NONFINITE', 'enough')
      },
      dispose: async () => {},
    })) as unknown as Context['load']
    const argv = '--methods cam,gradient --step 7,9 --fusion max --scales 224 --pre-filter .5 --no-smooth --against 3'
    expect((await sess(['compare', photo, ...argv.split(' ')], { load })).status).toBe(1)
    expect(calls[0]).toMatchObject({
      ...{ methods: ['cam', 'gradient'], steps: [7, 9], fusions: ['max'], scales: [224], preFilter: 0.5 },
      ...{ smooth: false, antialias: true, against: '3', target: undefined },
    })
    expect(existsSync(join(folder, 'both.compare.png'))).toBe(false)
  })
})

describe('the files of a comparison', () => {
  const none = { output: [], model: 'tiny200' }
  const paths = async (request: object) =>
    (await planCompareOutputs('a/photo.jpg', { ...none, ...request })).map(({ kind, path }) => `${kind} ${path}`)

  it.each<[object, string[]]>([
    [{}, ['sheet a/photo.compare.png']],
    [{ output: ['x.JPG', 'y.json'] }, ['sheet x.JPG', 'numbers y.json']],
    [
      { output: ['out/'], methods: ['cam'] },
      ['sheet out/sheet.png', 'numbers out/numbers.json', 'map out/cam-base.npy', 'map out/cam-sess.npy'],
    ],
    [
      { output: ['out/'], methods: ['cam'], step: [8], fusion: ['max'] },
      ['sheet out/sheet.png', 'numbers out/numbers.json', 'map out/cam-base.npy', 'map out/cam-sess.npy'],
    ],
  ])('%j', async (request, expected) => expect(await paths(request)).toEqual(expected))

  it('a folder that is there needs no slash', async () => {
    mkdirSync(join(folder, 'there'))
    expect((await paths({ output: [join(folder, 'there')], methods: ['cam'] }))[0]).toBe(
      `sheet ${folder}/there/sheet.png`,
    )
  })

  it.each([
    ['the photo', { output: ['a/photo.jpg'] }, /another file than a\/photo\.jpg/],
    ['the model', { output: ['m.json'], model: 'm.onnx' }, /another file than m\.json/],
    ['itself', { output: ['x.png', './x.png'] }, /each output once/],
  ])('never overwrite %s', async (_, request, message) => {
    await expect(paths(request)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(paths(request)).rejects.toThrow(message)
  })
})
