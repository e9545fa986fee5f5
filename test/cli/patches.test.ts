import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import { int, modelBytes, op, randomTensor } from '../onnx/models.ts'
import { sess } from './context.ts'

let folder: string
let photo: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-patches-'))
  photo = join(folder, 'both.jpg')
  copyFileSync(join(import.meta.dirname, '../../docs/photos/both.jpg'), photo)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A classifier of five classes with windows of 16 x 16 pixels. */
function smallModel(name: string): string {
  const path = join(folder, `${name}.onnx`)
  const nodes = [
    ...[op('Conv', 'x k', 'c'), op('Relu', 'c', 't'), op('GlobalAveragePool', 't', 'p'), op('Flatten', 'p', 'f')],
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ]
  const tensors = [randomTensor('k', [6, 3, 3, 3]), randomTensor('w', [5, 6])]
  writeFileSync(path, modelBytes({ nodes, tensors, input: { dims: ['n', 3, 16, 16] } }))
  return path
}

const few = ['--scales', '2', '--target', 'Egyptian cat']

describe('sess patches', () => {
  it('writes a figure beside the photo', async () => {
    const { status, stdout, stderr } = await sess(['patches', photo, ...few])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    const [first, last] = stderr.trim().split('\n')
    expect(first).toMatch(
      /^sess: \S+both\.jpg: tiny200, grad-cam: Egyptian cat \(32\), [\d.]+ %, 6 windows, of the windows with the peak \d of \d score over half the best$/,
    )
    expect(last).toMatch(/^sess: \S+both\.jpg -> \S+both\.patches\.png$/)
    expect(readdirSync(folder).sort()).toEqual(['both.jpg', 'both.patches.png'])
    const { width } = await sharp(join(folder, 'both.patches.png')).metadata()
    expect(width).toBe(2 * 24 + 118 + 12 + 10 * 156 - 12)
  })

  it('writes the numbers of several methods, which are those of the library', async () => {
    const json = join(folder, 'out.json')
    const methods = ['--method', 'grad-cam', '--method', 'layer-cam']
    const { status, stdout } = await sess(['patches', photo, ...few, ...methods, '-o', json, '--json', '--quiet'])
    expect(status).toBe(0)
    const numbers = JSON.parse(readFileSync(json, 'utf8'))
    expect(JSON.parse(stdout)).toEqual({ ...numbers, outputs: [json] })
    expect(numbers).toMatchObject({ schema: 1, image: { name: photo, width: 640, height: 426 } })
    expect(numbers.runs.map(({ method }: { method: string }) => method)).toEqual(['grad-cam', 'layer-cam'])
    await using explainer = await Explainer.load()
    for (const [run, method] of ['grad-cam', 'layer-cam'].entries()) {
      const options = { scales: 2, target: 'Egyptian cat', method, keepMaps: true }
      const { robustness, windows } = await (await explainer.explain(photo, options)).patches()
      const { scales, ...whole } = robustness
      expect(numbers.runs[run]).toMatchObject({ model: { id: 'tiny200' }, target: { index: 32 }, windows: 6, ...whole })
      const mine = (one: { run: number }) => one.run === run
      expect(numbers.scales.filter(mine)).toEqual(scales.map((scale, level) => ({ run, level, ...scale })))
      expect(numbers.windows.filter(mine)).toMatchObject(windows.map((window) => ({ run, ...window })))
    }
  })

  it('shows several models, one in memory at a time, each with its own scales', async () => {
    const small = smallModel('small')
    const loaded = new Set<Explainer>()
    let most = 0
    const load = async (...args: Parameters<typeof Explainer.load>) => {
      const explainer = await Explainer.load(...args)
      const dispose = explainer.dispose.bind(explainer)
      explainer.dispose = async () => {
        loaded.delete(explainer)
        await dispose()
      }
      loaded.add(explainer)
      most = Math.max(most, loaded.size)
      return explainer
    }
    const json = join(folder, 'out.json')
    const argv = ['patches', photo, '--scales', '2', '--target', '3', '--model', 'tiny200', '--model', small]
    const { status, stderr } = await sess([...argv, '-o', json, '-o', join(folder, 'out.webp')], { load })
    expect(status).toBe(0)
    expect([most, loaded.size]).toEqual([1, 0])
    expect(stderr.match(/nothing states mean and std/g)).toHaveLength(1)
    expect(stderr).toContain('windows of 64 x 64 and 16 x 16 pixels: each model has its own scales')
    const { runs, scales } = JSON.parse(readFileSync(json, 'utf8'))
    expect(runs.map(({ target }: { target: { index: number } }) => target.index)).toEqual([3, 3])
    expect(scales.map(({ run, scale }: { run: number; scale: number }) => [run, scale])).toEqual([
      [0, 64],
      [0, 82],
      [1, 16],
      [1, 21],
    ])
    expect((await sharp(join(folder, 'out.webp')).metadata()).format).toBe('webp')
  })

  it('numbers its pages where there are several', async () => {
    const out = join(folder, 'out.png')
    const { status, stderr } = await sess(['patches', photo, '--scales', '3', '--step', '4', '-o', out])
    expect(status).toBe(0)
    expect(stderr).toMatch(/-> \S+out\.1\.png, \S+out\.2\.png \(2 pages\)\n$/)
    expect(readdirSync(folder).sort()).toEqual(['both.jpg', 'out.1.png', 'out.2.png'])
  })

  it('shows only the heaviest of each scale with --per-scale', async () => {
    const out = join(folder, 'out.png')
    await sess(['patches', photo, '--scales', '3', '--step', '4', '--per-scale', '5', '-o', out])
    expect(readdirSync(folder).sort()).toEqual(['both.jpg', 'out.png'])
  })

  it.each<[string, readonly string[], number, RegExp]>([
    ['an output of another kind', ['-o', 'maps.npy'], 2, /OPTION_INVALID: -o is "maps.npy"/],
    ['a method that is not there', ['--method', 'grab-cam'], 2, /OPTION_INVALID: --?method is "grab-cam"/],
    ['a method twice', ['--method', 'cam', '--method', 'cam'], 2, /--method is "cam"; expected each once/],
    ['a model twice', ['--model', 'tiny200', '--model', 'tiny200'], 2, /--model is "tiny200"; expected each once/],
    ['a model that is not there', ['--model', '/nowhere.onnx'], 1, /MODEL_NOT_FOUND/],
    ['a setting that no method has', ['--masks', '9'], 2, /--masks is 9, but grad-cam has no such setting/],
    [
      'a setting that none of several has',
      ['--masks', '9', '--method', 'cam', '--method', 'grad-cam'],
      2,
      /masks is 9/,
    ],
    ['none of each scale', ['--per-scale', '0'], 2, /--per-scale is "0"/],
    [
      'over a hundred pages',
      ['--step', '2'],
      2,
      /OPTION_INVALID: \S+ \d+ windows would fill 315 pages, more than 100: .*--per-scale/,
    ],
    ['a class that is not there', ['--target', '200'], 2, /TARGET_UNKNOWN/],
  ])('refuses %s', async (_, argv, expected, message) => {
    const { status, stderr } = await sess(['patches', photo, ...argv])
    expect(stderr).toMatch(message)
    expect(status).toBe(expected)
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })

  it('refuses over ten beside each other', async () => {
    const methods = 'grad-cam,grad-cam++,xgrad-cam,hires-cam,layer-cam,cam,eigen-cam,gradient,rise,occlusion,score-cam'
    const { stderr } = await sess(['patches', photo, ...methods.split(',').flatMap((name) => ['--method', name])])
    expect(stderr).toMatch(/OPTION_INVALID: --model and --method is "1 x 11"; expected at most 10/)
  })

  it('names the model that does not have the class', async () => {
    const small = smallModel('small')
    const { status, stderr } = await sess(['patches', photo, '--model', 'tiny200', '--model', small, '--target', '5'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/TARGET_UNKNOWN: \S+ With \S+small\.onnx: Target 5 is not a class/)
  })

  it('refuses one number that is a count for one model and a scale for another', async () => {
    const models = ['--model', 'tiny200', '--model', smallModel('small')]
    const { status, stderr } = await sess(['patches', photo, ...models, '--target', '1', '--scales', '20'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/--scales is 20; expected a count under 16, a scale from 64 up, or a list/)
  })

  it('writes over no page’s namesake that is read', async () => {
    const page = join(folder, 'out.2.jpg')
    copyFileSync(photo, page)
    const argv = ['patches', page, '--scales', '3', '--step', '4', '-o', join(folder, 'out.jpg')]
    const { status, stderr } = await sess(argv)
    expect(status).toBe(2)
    expect(stderr).toMatch(/another file than \S+out\.2\.jpg, which would be overwritten/)
    expect(readFileSync(page).equals(readFileSync(photo))).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['both.jpg', 'out.2.jpg'])
  })

  it('leaves nothing where it is stopped', async () => {
    const stop = new AbortController()
    const load = async (...args: Parameters<typeof Explainer.load>) => {
      const explainer = await Explainer.load(...args)
      explainer.plan = new Proxy(explainer.plan, {
        apply: (plan, self, given) => {
          stop.abort()
          return Reflect.apply(plan, self, given)
        },
      })
      return explainer
    }
    const { status, stderr } = await sess(['patches', photo, ...few], { load, signal: stop.signal })
    expect(status).toBe(130)
    expect(stderr).toContain('ABORTED')
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })

  it('takes settings of one of several methods for that one', async () => {
    const json = join(folder, 'out.json')
    const methods = ['--method', 'grad-cam', '--method', 'occlusion', '--square', '32', '--stride', '32']
    const { status } = await sess(['patches', photo, '--scales', '1', ...methods, '-o', json, '--quiet'])
    expect(status).toBe(0)
    const { runs } = JSON.parse(readFileSync(json, 'utf8'))
    expect(runs.map(({ options }: { options: { square?: number } }) => options.square)).toEqual([undefined, 32])
  })
})
