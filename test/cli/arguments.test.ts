import { describe, expect, it } from 'vitest'
import { scalesFor } from '../../src/cli/arguments.ts'
import type { Context } from '../../src/cli/context.ts'
import { SessError } from '../../src/error.ts'
import { sess } from './context.ts'

/** A model that is never run: the command line is checked up to the call of the library. */
function recorder(windowSide = 224, device: object = { type: 'cpu' }) {
  const calls: { load: Record<string, unknown>[]; explain: Record<string, unknown>[] } = { load: [], explain: [] }
  const load = (async (model: string, options: object) => {
    calls.load.push({ model, ...options })
    return {
      info: {
        input: { height: windowSide, width: windowSide },
        preprocessing: { inferred: true },
        model: 'fake',
        device,
      },
      explain: async (_: string, explainOptions: object) => {
        calls.explain.push({ ...explainOptions })
        throw new SessError('IMAGE_UNREADABLE', 'enough')
      },
      dispose: async () => {},
    }
  }) as unknown as Context['load']
  return { calls, load }
}

const defined = (options: object | undefined) =>
  Object.fromEntries(
    Object.entries(options ?? {}).filter(([key, v]) => v !== undefined && !['signal', 'onProgress'].includes(key)),
  )

describe('options reach the library as', () => {
  const always = { target: ['top-1'], smooth: true, sess: true, antialias: true }
  it.each<[string, object]>([
    ['', {}],
    ['--target 5 --target tabby', { target: ['5', 'tabby'] }],
    ['--method cam --layer l', { method: 'cam', layer: 'l' }],
    ['--method cam --fusion max', { method: 'cam', fusion: 'max' }],
    ['--scales 5', { scales: 5 }],
    ['--scales 223', { scales: 223 }],
    ['--scales 224', { scales: [224] }],
    ['--scales 224,288', { scales: [224, 288] }],
    ['--step 7', { step: 7 }],
    ['--step 7,8', { step: [7, 8] }],
    ['--pre-filter 0.99 --theta .1', { preFilter: 0.99, theta: 0.1 }],
    ['--no-smooth --no-sess --no-antialias', { smooth: false, sess: false, antialias: false }],
    ['--batch auto', { batch: 'auto' }],
    [
      '--method smoothgrad --seed 9007199254740991 --samples 7',
      { method: 'smoothgrad', seed: Number.MAX_SAFE_INTEGER, samples: 7 },
    ],
    ['--batch 3 --max-windows 9 --max-pixels 1e6', { batch: 3, maxWindows: 9, maxPixels: 1_000_000 }],
  ])('explain: %s', async (options, expected) => {
    const { calls, load } = recorder()
    await sess(['explain', 'p.png', ...options.split(' ').filter(Boolean)], { load })
    expect(defined(calls.explain[0])).toEqual({ ...always, ...expected })
  })

  it.each<[string, object]>([
    ['', {}],
    ['--model m.onnx --layer l', { model: 'm.onnx', layer: 'l' }],
    ['--device cuda:1 --precision fp16 --threads 3', { device: 'cuda:1', precision: 'fp16', threads: 3 }],
    ['--mean 0,-1,2.5 --std 1,2,3', { mean: [0, -1, 2.5], std: [1, 2, 3] }],
    ['--labels l.txt --activation sigmoid', { labels: 'l.txt', activation: 'sigmoid' }],
  ])('load: %s', async (options, expected) => {
    const { calls, load } = recorder()
    await sess(['explain', 'p.png', ...options.split(' ').filter(Boolean)], { load })
    expect(defined(calls.load[0])).toEqual({ model: 'tiny200', ...expected })
  })

  it('SESS_DEVICE is the default device, and is checked', async () => {
    const { calls, load } = recorder()
    await sess(['explain', 'p.png'], { load, env: { SESS_DEVICE: 'cpu' } })
    await sess(['explain', 'p.png', '--device', 'auto'], { load, env: { SESS_DEVICE: 'cpu' } })
    expect(calls.load.map(({ device }) => device)).toEqual(['cpu', 'auto'])
    const bad = await sess(['explain', 'p.png'], { load, env: { SESS_DEVICE: 'gpu' } })
    expect(bad).toMatchObject({ status: 2, stderr: expect.stringContaining('SESS_DEVICE is "gpu"') })
  })
})

describe('a wrong option ends with status 2 and names option, value and what is expected', () => {
  it.each<[string[], RegExp]>([
    [['--scales', 'x'], /^sess: OPTION_INVALID: --scales is "x"; expected a count/],
    [['--scales', '288,224'], /--scales is "288,224"; .*strictly ascending/],
    [['--scales', '224,,288'], /--scales/],
    [['--scales', '0'], /--scales/],
    [['--step', '0'], /--step is "0"; expected a whole number from 1/],
    [['--step', '1,2,3'], /--step/],
    [['--step', ''], /--step is ""/],
    [['--pre-filter', '1'], /--pre-filter is "1"; expected a number from 0 to below 1/],
    [['--theta', '-1'], /--theta is "-1"/],
    [['--theta', 'Infinity'], /--theta/],
    [['--fusion', 'median'], /--fusion is "median"; expected one of mean, max, average/],
    [['--device', 'gpu'], /--device is "gpu"; expected auto, cpu, cuda or cuda:N/],
    [['--precision', 'int8'], /--precision/],
    [['--threads', '0x2'], /--threads is "0x2"; expected a whole number from 1 to 1024/],
    [['--mean', '1,2'], /--mean is "1,2"; expected 3 numbers/],
    [['--std', '1,2,0'], /--std is "1,2,0"; expected 3 numbers above 0/],
    [['--activation', 'tanh'], /--activation/],
    [['--batch', 'many'], /--batch is "many"; expected a whole number from 1, or auto/],
    [['--max-windows', '1.5'], /--max-windows/],
    [['--max-pixels', ' 1'], /--max-pixels/],
    [['--colormap', 'sunset'], /--colormap is "sunset"; expected one of inferno/],
    [['--alpha', '1.1'], /--alpha is "1\.1"; expected a number from 0 to 1/],
    [['--range', '1,0'], /--range is "1,0"; expected auto, or two ascending numbers such as 0,1/],
    [['--range', 'full'], /--range is "full"/],
    [['--range', '0,1,2'], /--range is/],
    [['--contours', '0.5,1'], /--contours is "1"; expected a number from 0 to below 1/],
    [['--contours', 'x'], /--contours is "x"/],
    [['--seed', '9007199254740992'], /--seed is "9007199254740992"; expected a whole number from 0/],
    [['--seed', '-1'], /--seed is "-1"/],
    [['--target', ''], /--target is ""/],
    [['-o', 'x.gif'], /-o is "x\.gif"/],
    [['-o', 'x.htm'], /-o is "x\.htm"; expected a name that ends in .*\.html/],
    [['--samples', '5'], /^sess: OPTION_INVALID: --samples is 5, but grad-cam has no such setting: leave it out/],
    [['--method', 'rise', '--samples', '0'], /--samples is "0"; expected a whole number from 1 to 10000/],
    [['--method', 'rise', '--top-channels', '5'], /--top-channels is 5, but rise has no such setting/],
    [['--method', 'gradient', '--layer', 'l'], /--layer is "l", but gradient reads no layer: leave it out, or take/],
    [['--method', 'eigen-cam', '--against', '5'], /--against is "5", but eigen-cam reads no class/],
    [['--method', 'score-cam', '--against', '5'], /--against is "5", but score-cam reads the scores of one class/],
    [['--against', 'top-1'], /--against is "top-1"; expected a class index, a label/],
    [['--batch', '4097'], /--batch is 4097; expected a whole number from 1 to 4096/],
    [['--scalez', '5'], /Unknown option '--scalez' \(Did you mean --scales\?\)/],
    [['--step'], /argument missing/],
  ])('%j', async (options, message) => {
    const { calls, load } = recorder()
    const result = await sess(['explain', 'p.png', ...options], { load })
    expect(result).toMatchObject({ status: 2, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(result.stderr.trimEnd()).not.toContain('\n')
    expect(calls.load).toEqual([])
  })

  it.each<[string[], RegExp]>([
    [['compare', '--samples', '5'], /--samples is 5, but none of grad-cam, guided-backprop, .* has such a setting/],
    [['compare', '--methods', 'cam,eigen-cam', '--against', '5'], /--against is "5", but eigen-cam reads no class/],
    [['compare', '--methods', 'cam,rise,cam'], /--methods is "cam,rise,cam"; expected each of them once/],
    [['compare', '--step', '8,9,8'], /--step is "8,9,8"; expected each of them once/],
    [['compare', '--fusion', 'max,max'], /--fusion is "max,max"; expected each of them once/],
    [
      ['compare', '--step', Array.from({ length: 25 }, (_, i) => i + 1).join()],
      /--step is \[1, 2, .*\]; expected 1 to 24 steps/,
    ],
    [['layers', '--groups', '5'], /--groups is 5, but grad-cam has no such setting/],
    [['layers', '--method', 'rise'], /--method is "rise"; expected one that reads a layer/],
    [['patches', '--method', 'gradient', '--layer', 'l'], /--layer is "l", but gradient reads no layer/],
    [['patches', '--batch', '4097'], /--batch is 4097; expected a whole number from 1 to 4096/],
  ])('%j, before a model is loaded', async ([command = '', ...options], message) => {
    const { calls, load } = recorder()
    const result = await sess([command, 'p.png', ...options], { load })
    expect(result).toMatchObject({ status: 2, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(calls.load).toEqual([])
  })

  it.each([
    [['explain']],
    [['explode', 'p.png']],
    [['classify', 'p.png', '--top', '0']],
    [['classify', 'p.png', '--fusion', 'max']],
    [['doctor', 'p.png']],
    [[]],
  ])('%j', async (argv) => {
    const result = await sess(argv)
    expect(result.status).toBe(2)
    expect(result.stdout).toBe('')
    expect(result.stderr).not.toBe('')
  })
})

describe('what comes after --', () => {
  it('is an image, whatever it looks like', async () => {
    const { calls, load } = recorder()
    const result = await sess(['explain', '--', '-leading-dash.png'], { load })
    expect(calls.explain).toHaveLength(1)
    expect(result.stderr).toContain('-leading-dash.png')
  })
})

describe('help', () => {
  it.each([[['--help']], [['explain', '--help']], [['classify', '--help']], [['doctor', '--help']]])(
    '%j is on stdout, with an example',
    async (argv) => {
      const result = await sess(argv)
      expect(result).toMatchObject({ status: 0, stderr: '' })
      expect(result.stdout).toMatch(/^Usage: sess/)
      expect(result.stdout).toMatch(/Example:\n {2}sess /)
    },
  )

  it('--version is the version alone', async () => {
    expect(await sess(['--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})

describe('messages', () => {
  it('an assumed mean and std is said once, and not with --quiet', async () => {
    const { load } = recorder()
    expect((await sess(['explain', 'p.png', 'q.png'], { load })).stderr.match(/ImageNet's are taken/g)).toHaveLength(1)
    expect((await sess(['explain', 'p.png', '--quiet'], { load })).stderr).toBe(
      'sess: IMAGE_UNREADABLE: p.png: enough\n',
    )
  })

  it('why the GPU is not used is said once, where there is a reason', async () => {
    const { load } = recorder(224, { type: 'cpu', fallback: 'the NVIDIA driver is too old' })
    const told = /^sess: the processor is used, not the GPU: the NVIDIA driver is too old\.$/gm
    expect((await sess(['explain', 'p.png', 'q.png'], { load })).stderr.match(told)).toHaveLength(1)
    const without = await sess(['explain', 'p.png'], { load: recorder().load })
    expect(without.stderr).not.toContain('GPU')
  })

  it('a seed that changes nothing is said once, and still taken', async () => {
    const { calls, load } = recorder()
    const told = /^sess: --seed changes nothing: grad-cam draws nothing at random\.$/gm
    expect((await sess(['explain', 'p.png', 'q.png', '--seed', '3'], { load })).stderr.match(told)).toHaveLength(1)
    expect(calls.explain[0]).toMatchObject({ seed: 3 })
    const drawing = await sess(['explain', 'p.png', '--seed', '3', '--method', 'smoothgrad'], { load })
    expect(drawing.stderr).not.toContain('--seed')
    expect((await sess(['explain', 'p.png', '--seed', '3', '--quiet'], { load })).stderr).not.toContain('--seed')
  })

  it('--verbose adds the stack', async () => {
    const { load } = recorder()
    expect((await sess(['explain', 'p.png', '--verbose'], { load })).stderr).toMatch(/\n {4}at /)
    expect((await sess(['explain', 'p.png', '--step', '0', '--verbose'], { load })).stderr).toMatch(/\n {4}at /)
  })
})

it.each([
  [undefined, undefined],
  [1, 1],
  [31, 31],
  [32, [32]],
  [
    [5, 40],
    [5, 40],
  ],
])('scales %j at a window of 24 x 32 are %j', (written, scales) => {
  expect(scalesFor(written, { height: 24, width: 32 })).toEqual(scales)
  expect(scalesFor(written, undefined)).toEqual(written)
})
