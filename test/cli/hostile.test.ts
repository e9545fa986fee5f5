import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeNpy } from '../io/npy.ts'
import { shared, sharedMissing } from '../shared.ts'
import { sess } from './context.ts'

interface Case {
  readonly expect: 'error' | 'map' | 'map-or-error' | 'same' | 'runs' | 'same-map' | 'runs-or-error'
  readonly code?: string
  readonly as?: string
  readonly tolerance?: number
  readonly size?: readonly [number, number]
}

const cases: [string, Case][] = sharedMissing
  ? []
  : Object.entries(JSON.parse(readFileSync(shared('data/hostile/hostile.json'), 'utf8')))
const pictures = cases.filter(([name]) => !name.startsWith('models/'))
const models = cases.filter(([name]) => name.startsWith('models/'))
const file = (name: string) => shared(`data/hostile/${name}`)
const good = file('models/good.onnx')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-hostile-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
async function mapOf(image: string, model: string, ...more: string[]) {
  const path = join(folder, `${count++}.npy`)
  const result = await sess(['explain', '-o', path, '--model', model, '--target', '1', '--quiet', ...more, '--', image])
  const map = existsSync(path) ? decodeNpy(readFileSync(path)) : undefined
  return { ...result, map }
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let largest = 0
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)))
  return largest
}

describe.skipIf(sharedMissing)(`hostile input${sharedMissing ? `: ${sharedMissing}` : ''}`, () => {
  it.each(pictures)('picture %s: %j', { timeout: 120_000 }, async (name, wanted) => {
    const { status, stdout, stderr, map } = await mapOf(file(name), good)
    if (wanted.expect === 'error' || (wanted.expect === 'map-or-error' && status !== 0)) {
      expect(map).toBeUndefined()
      expect(stderr).toMatch(new RegExp(`^sess: ${wanted.code}: [^\\n]+\\n$`))
      expect(stderr).toContain(name)
      expect(status).toBe(wanted.code === 'OPTION_INVALID' ? 2 : 1)
      return
    }
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(map?.data.every((v) => v >= 0 && v <= 1)).toBe(true)
    if (wanted.size) expect(map?.shape).toEqual(wanted.size)
    if (wanted.as === undefined) return
    const { map: as } = await mapOf(file(wanted.as), good)
    expect(largestDifference(map?.data ?? [], as?.data ?? [])).toBeLessThanOrEqual(wanted.tolerance ?? 0)
  })

  it.each(models)('model %s: %j', { timeout: 120_000 }, async (name, wanted) => {
    const { status, stderr, map } = await mapOf(file('upright.png'), file(name))
    if (wanted.expect === 'error' || (wanted.expect === 'runs-or-error' && status !== 0)) {
      expect(map).toBeUndefined()
      expect(stderr).toMatch(new RegExp(`^sess: ${wanted.code}: [^\\n]+\\n$`))
      expect(status).toBe(1)
      return
    }
    expect(stderr).toBe('')
    expect(status).toBe(0)
    if (wanted.as === undefined) return
    const { map: as } = await mapOf(file('upright.png'), file(wanted.as))
    expect(largestDifference(map?.data ?? [], as?.data ?? [])).toBeLessThanOrEqual(wanted.tolerance ?? 0)
  })

  it('one bad picture leaves the others alone', async () => {
    const inputs = ['upright.png', 'truncated.jpg', 'none.png', 'grey.png'].map(file)
    const out = join(folder, 'several')
    const { status, stderr } = await sess(['explain', ...inputs, '--model', good, '-o', `${out}/`, '--scales', '2'])
    expect(status).toBe(1)
    expect(readdirSync(out).sort()).toEqual(['grey.sess.png', 'upright.sess.png'])
    expect(stderr.match(/^sess: IMAGE_UNREADABLE: .*(truncated\.jpg|none\.png)/gm)).toHaveLength(2)
  })
})

describe.skipIf(sharedMissing)('outputs', () => {
  it('every kind at once, of the size of the photo, and the same numbers in all of them', async () => {
    const [png, jpg, webp, npy, json] = ['png', 'jpg', 'webp', 'npy', 'json'].map((e) => join(folder, `all.${e}`))
    const outputs = [png, jpg, webp, npy, json].flatMap((path) => ['-o', path ?? ''])
    const bare = ['--json', '--alpha', '1', '--no-caption']
    const argv = ['explain', file('exif-6.png'), '--model', good, '--scales', '2', ...outputs, ...bare]
    const { status, stdout, stderr } = await sess(argv)
    expect(status, stderr).toBe(0)
    for (const [path, format] of [
      [png, 'png'],
      [jpg, 'jpeg'],
      [webp, 'webp'],
    ]) {
      expect(await sharp(path).metadata()).toMatchObject({ format, width: 300, height: 200 })
    }
    const map = decodeNpy(readFileSync(npy ?? ''))
    expect(map.shape).toEqual([200, 300])
    // At full opacity the brightest pixel of the overlay is where the map has its maximum.
    const pixels = await sharp(png).raw().toBuffer()
    const top = map.data.indexOf(Math.max(...map.data))
    expect([...pixels.subarray(3 * top, 3 * top + 3)]).toEqual([252, 255, 164])
    const line = JSON.parse(stdout)
    const report = JSON.parse(readFileSync(json ?? '', 'utf8'))
    expect(line).toEqual({ ...report, outputs: [png, jpg, webp, npy, json] })
    expect(report).toMatchObject({ schema: 1, image: { width: 300, height: 200 }, method: 'grad-cam' })
    expect(Object.keys(report.versions)).toEqual(['sess-saliency', 'node', 'onnxruntime', 'sharp', 'vips'])
  })

  it('several targets, each a file and a line of its own', async () => {
    const out = join(folder, 'targets.npy')
    const argv = [
      'explain',
      file('upright.png'),
      '--model',
      good,
      '--target',
      '0',
      '--target',
      '3',
      '-o',
      out,
      '--json',
    ]
    const { status, stdout } = await sess([...argv, '--scales', '2'])
    expect(status).toBe(0)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ target }) => target.index)).toEqual([0, 3])
    expect(lines.flatMap(({ outputs }) => outputs)).toEqual([
      join(folder, 'targets.0.npy'),
      join(folder, 'targets.3.npy'),
    ])
    for (const { outputs } of lines) expect(existsSync(outputs[0])).toBe(true)
  })

  it('by default beside the photo, and only where nothing else is asked for', async () => {
    const place = join(folder, 'beside')
    mkdirSync(place)
    cpSync(file('upright.png'), join(place, 'p.png'))
    await sess(['explain', join(place, 'p.png'), '--model', good, '--scales', '1', '--map', join(place, 'p.npy')])
    expect(readdirSync(place).sort()).toEqual(['p.npy', 'p.png'])
    await sess(['explain', join(place, 'p.png'), '--model', good, '--scales', '1'])
    expect(readdirSync(place).sort()).toEqual(['p.npy', 'p.png', 'p.sess.png'])
  })

  it('that cannot be written are told before the model is read', async () => {
    cpSync(file('upright.png'), join(folder, 'file'))
    for (const out of [join(folder, 'nowhere/x.npy'), join(folder, 'file/x.npy'), join(folder, 'file/')]) {
      const { status, stderr } = await sess(['explain', file('upright.png'), '--model', 'none.onnx', '-o', out])
      expect(status).toBe(1)
      expect(stderr).toMatch(/^sess: OUTPUT_UNWRITABLE: [^\n]*\n$/)
    }
    expect(existsSync(join(folder, 'nowhere'))).toBe(false)
  })

  it('beside an image that is not there: the image is missing, not the output', async () => {
    const { status, stderr } = await sess(['explain', join(folder, 'nowhere/p.png'), '--model', good])
    expect(status).toBe(1)
    expect(stderr).toMatch(/^sess: IMAGE_UNREADABLE: .*does not exist/m)
    expect(existsSync(join(folder, 'nowhere'))).toBe(false)
  })

  it('--plan prints, and writes nothing', async () => {
    const place = join(folder, 'planned')
    mkdirSync(place)
    cpSync(file('upright.png'), join(place, 'p.png'))
    const argv = ['explain', join(place, 'p.png'), '--model', good, '--plan', '-o', `${place}/out/`]
    const text = await sess(argv)
    expect(text).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/300 x 200 pixels, window 32 x 32.*windows/s),
    })
    const { plan } = JSON.parse((await sess([...argv, '--json'])).stdout)
    expect(plan.scales).toHaveLength(12)
    expect(text.stdout).not.toContain('behind')
    const ablation = await sess([...argv, '--method', 'ablation-cam', '--no-sess'])
    const [, forwards, heads] =
      /1 windows, (\d+) forward passes \((\d+) of them only behind/.exec(ablation.stdout) ?? []
    expect(Number(forwards)).toBe(1 + Number(heads))
    expect(readdirSync(place)).toEqual(['p.png'])
  })

  it('wrong targets end with status 2, once for all inputs', async () => {
    const inputs = [file('upright.png'), file('grey.png')]
    const argv = ['explain', ...inputs, '--model', good, '-o', `${folder}/`]
    for (const [target, code] of [
      ['99', 'TARGET_UNKNOWN'],
      ['tabby', 'TARGET_UNKNOWN'],
    ] as const) {
      const { status, stderr } = await sess([...argv, '--target', target, '--quiet'])
      expect(status).toBe(2)
      expect(stderr).toMatch(new RegExp(`^sess: ${code}: [^\\n]*\\n$`))
    }
  })

  it.each([
    [['--device', 'cuda'], 1, 'DEVICE_UNAVAILABLE'],
    [['--precision', 'fp16'], 2, 'OPTION_INVALID'],
    [['--layer', 'nothing'], 2, 'LAYER_NOT_FOUND'],
    [['--method', 'nothing'], 2, 'OPTION_INVALID'],
    [['--step', '33'], 2, 'OPTION_INVALID'],
    [['--scales', '32,31'], 2, 'OPTION_INVALID'],
    [['--scales', '16,32'], 2, 'OPTION_INVALID'],
    [['--max-windows', '3'], 2, 'OPTION_INVALID'],
    [['--labels', 'none.txt'], 2, 'OPTION_INVALID'],
    [['--max-pixels', '100'], 1, 'IMAGE_TOO_LARGE'],
    [['--model', 'hf:name'], 1, 'MODEL_NOT_FOUND'],
    [['--model', 'tiny200x'], 1, 'MODEL_NOT_FOUND'],
  ])('%j ends with status %i: %s', async (options, status, code) => {
    const argv = ['explain', file('upright.png'), '--model', good, '-o', join(folder, 'x.npy'), '--quiet', ...options]
    const result = await sess(argv)
    expect(result.stderr).toMatch(new RegExp(`^sess: ${code}: [^\\n]*\\n$`))
    expect(result.status).toBe(status)
    expect(existsSync(join(folder, 'x.npy'))).toBe(false)
  })
})

describe.skipIf(sharedMissing)('classify', () => {
  const model = shared('models/mobilenet-v1-075-224.onnx')
  const both = shared('golden/images/both.png')

  it('prints labels and probabilities, most probable first', async () => {
    const { status, stdout } = await sess(['classify', both, '--model', model, '--top', '2'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ *\d+\.\d+ % {2}243 {2}bull mastiff\n *\d+\.\d+ % {2}282 {2}tiger cat\n$/)
  })

  it('prints one JSON object a line, failures among them', async () => {
    const { status, stdout } = await sess(['classify', both, 'none.png', '--model', model, '--top', '1', '--json'])
    expect(status).toBe(1)
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).toMatchObject({ image: { name: both }, classes: [{ index: 243, label: 'bull mastiff' }] })
    expect(second).toMatchObject({ image: { name: 'none.png' }, error: { code: 'IMAGE_UNREADABLE' } })
  })
})

describe('doctor', () => {
  it('finds what is here in order', async () => {
    const { status, stdout } = await sess(['doctor', '--json'])
    const { healthy, findings } = JSON.parse(stdout)
    expect({ status, healthy }).toEqual({ status: 0, healthy: true })
    const topics = findings.map(({ topic }: { topic: string }) => topic)
    const parts = [
      'system',
      'images',
      'native core',
      'device cpu',
      'device cuda',
      'self-test',
      'default model',
      'models',
    ]
    expect(topics).toEqual(parts)
    expect((await sess(['doctor'])).stdout).toMatch(/^ok {5}self-test$/m)
  })
})
