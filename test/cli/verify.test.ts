import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { Explainer } from '../../src/explainer.ts'
import { Case, photo } from '../bundle/case.ts'
import { sess } from './context.ts'

let made: Case
beforeEach(async () => {
  made = await Case.make()
})
afterEach(() => made.remove())

const explain = async (...options: readonly string[]) =>
  await sess(['explain', made.at('photo.png'), '--model', made.at('small.onnx'), '--scales', '2', ...options])

describe('sess explain -o NAME.sess', () => {
  it('writes a bundle that sess verify finds the same', async () => {
    const bundle = made.at('out.sess')
    const explained = await explain('-o', bundle, '-o', made.at('out.npy'))
    expect(explained).toMatchObject({ status: 0, stdout: '' })
    expect(explained.stderr).toContain(`-> ${bundle}, ${made.at('out.npy')}\n`)
    expect(existsSync(made.at('photo.sess.png'))).toBe(false)
    expect(readFileSync(`${bundle}/map.npy`)).toEqual(readFileSync(made.at('out.npy')))
    const { status, stdout, stderr } = await sess(['verify', bundle])
    expect([status, stderr]).toEqual([0, ''])
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toBe(bundle)
    expect(lines.at(-1)).toBe(`${bundle} agrees`)
    expect(lines.slice(1, -1).every((line) => line.startsWith('  same '))).toBe(true)
  })

  it('writes one for each target', async () => {
    const { status } = await explain('--target', 'bee', '--target', '4', '-o', made.at('out.sess'))
    expect(status).toBe(0)
    expect([made.read('out.bee.sess').target.index, made.read('out.4.sess').target.index]).toEqual([1, 4])
    const bundles = [made.at('out.bee.sess'), made.at('out.4.sess')]
    expect(await sess(['verify', ...bundles])).toMatchObject({ status: 0 })
  })

  it('replaces a bundle, and no other folder', async () => {
    await explain('-o', made.at('out.sess'))
    const again = await explain('--target', 'eel', '--json', '-o', made.at('out.sess'))
    expect(again.status).toBe(0)
    expect(JSON.parse(again.stdout).outputs).toEqual([made.at('out.sess')])
    expect(made.read().target.index).toBe(4)
    mkdirSync(made.at('mine.sess'))
    const { status, stderr } = await explain('-o', made.at('mine.sess'))
    expect(status).toBe(1)
    expect(stderr).toMatch(/^sess: OUTPUT_UNWRITABLE: .*mine\.sess is a folder and no bundle/)
  })

  it('leaves nothing where it is stopped', async () => {
    const controller = new AbortController()
    const load: Context['load'] = async (model, options) => {
      const explainer = await Explainer.load(model, options)
      controller.abort()
      return explainer
    }
    const argv = ['explain', made.at('photo.png'), '--model', made.at('small.onnx'), '-o', made.at('out.sess')]
    expect((await sess(argv, { signal: controller.signal, load })).status).toBe(130)
    expect(readdirSync(made.folder).sort()).toEqual(['photo.png', 'small.json', 'small.onnx'])
  })
})

describe('sess verify', () => {
  it('says by name what changed, and ends with 1', async () => {
    const bundle = made.at('out.sess')
    await explain('-o', bundle)
    made.edit((content) => {
      content.options.theta = 0.3
    })
    await made.photo(
      'photo.png',
      Uint8Array.from(photo.data, (v) => 255 - v),
    )
    const { status, stdout } = await sess(['verify', bundle])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^ {2}changed {2}options\.theta {2}the bundle says 0\.3, and another value was sealed$/m)
    expect(stdout).toMatch(/^ {2}changed {2}photo /m)
    expect(stdout).toMatch(
      /^ {2}changed {2}map .* at \d+,\d+ .* other than in the bundle: options\.theta, photo, pixels$/m,
    )
    expect(stdout).toMatch(/out\.sess differs: options\.theta, photo, pixels, .*map\n$/)
  })

  it('has one object for each bundle with --json', async () => {
    await explain('-o', made.at('out.sess'))
    const { status, stdout, stderr } = await sess(['verify', made.at('out.sess'), made.at('none.sess'), '--json'])
    const [found, failed] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(found).toMatchObject({ bundle: made.at('out.sess'), agrees: true, map: { maximum: 0 }, windows: [] })
    expect(found.checks).toContainEqual({ name: 'map', status: 'same', detail: 'every pixel is the same' })
    expect(failed).toMatchObject({ bundle: made.at('none.sess'), error: { code: 'BUNDLE_UNREADABLE' } })
    expect(stderr).toMatch(/^sess: BUNDLE_UNREADABLE: .*none\.sess: does not exist/)
    expect(status).toBe(1)
  })

  it('takes photo and model from elsewhere, and a tolerance', async () => {
    await explain('-o', made.at('out.sess'))
    const options = ['--image', made.at('p.png'), '--model', made.at('m.onnx'), '--threads', '1', '--tolerance', '0']
    writeFileSync(made.at('p.png'), readFileSync(made.at('photo.png')))
    writeFileSync(made.at('m.onnx'), readFileSync(made.at('small.onnx')))
    await made.photo(
      'photo.png',
      Uint8Array.from(photo.data, (v) => 255 - v),
    )
    writeFileSync(made.at('small.onnx'), '')
    expect((await sess(['verify', made.at('out.sess')])).status).toBe(1)
    const { status, stdout } = await sess(['verify', made.at('out.sess'), ...options])
    expect(status).toBe(0)
    expect(stdout).toMatch(/noted {4}manifest/)
  })

  describe("keeps a stranger's text on its line and without effect", () => {
    const steering = '\x1b[2K\x9b1A\u202e\nout.sess agrees\r'
    const hidden = /(?!\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
    const written = '\\x1b[2K\\x9b1A\\u202e\\x0aout.sess agrees\\x0d'

    it.each<[string, (content: ReturnType<Case['read']>) => void]>([
      ['name of a version', ({ versions }) => (versions[steering] = '1')],
      ['version', ({ versions }) => (versions.node = steering)],
      ["photo's name", ({ photo: facts }) => (facts.name = steering)],
      ["photo's path", ({ photo: facts }) => (facts.path = steering)],
      ["model's id", ({ model }) => (model.id = steering)],
      ["model's path", ({ model }) => (model.path = `${steering}.onnx`)],
      ["model's other file", ({ model }) => model.external.push({ ...model.file, name: steering })],
      ["target's label", ({ target }) => (target.label = steering)],
      ['name of a seal', ({ seals, map }) => (seals[steering] = map.sha256)],
    ])('in the %s', async (_, edit) => {
      await explain('-o', made.at('out.sess'))
      made.edit(edit)
      const { status, stdout, stderr } = await sess(['verify', made.at('out.sess')])
      expect([status, stderr]).toEqual([1, ''])
      expect(stdout).not.toMatch(hidden)
      expect(stdout).toContain('\\u202e')
      expect(stdout).not.toMatch(/^out\.sess agrees/m)
    })

    it('in the path of --image, of the bundle and of what fails', async () => {
      await explain('-o', made.at('out.sess'))
      const image = await sess(['verify', made.at('out.sess'), '--image', made.at(steering)])
      expect(image.stdout).toContain(`${made.at(written)} does not exist`)
      renameSync(made.at('out.sess'), made.at(steering))
      const bundle = await sess(['verify', made.at(steering)])
      expect(bundle).toMatchObject({ status: 0, stderr: '' })
      expect(bundle.stdout.split('\n')[0]).toBe(made.at(written))
      expect(bundle.stdout).toMatch(/ agrees\n$/)
      const none = await sess(['verify', `${made.at(steering)}.none`])
      expect(none.stderr).toMatch(/^sess: BUNDLE_UNREADABLE: .*\n$/)
      for (const text of [image.stdout, bundle.stdout, none.stderr]) expect(text).not.toMatch(hidden)
    })
  })

  it.each([
    [['verify'], 2],
    [['verify', 'x.sess', '--tolerance', '2'], 2],
    [['verify', 'x.sess', '--target', '1'], 2],
    [['verify', 'x.sess'], 1],
    [['verify', '--help'], 0],
  ])('%j ends with %i', async (argv, expected) => expect((await sess(argv)).status).toBe(expected))

  it('can be stopped', async () => {
    await explain('-o', made.at('out.sess'))
    const stopped = await sess(['verify', made.at('out.sess')], { signal: AbortSignal.abort() })
    expect(stopped.status).toBe(130)
  })
})
