import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { int, modelBytes, op, randomTensor } from '../onnx/models.ts'
import { shared, sharedMissing } from '../shared.ts'
import { sess } from './context.ts'

const classifier = {
  nodes: [
    op('Conv', 'x k', 'c'),
    op('Relu', 'c', 'r'),
    op('GlobalAveragePool', 'r', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ],
  tensors: [randomTensor('k', [6, 3, 3, 3]), randomTensor('w', [3, 6])],
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-cli-models-'))
  vi.stubEnv('SESS_CACHE', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

describe('sess models', () => {
  it('without a command says what there is', async () => {
    const { status, stderr } = await sess(['models'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/list[\s\S]*pull[\s\S]*info[\s\S]*path/)
    const help = await sess(['models', 'pull', '--help'])
    expect(help).toMatchObject({ status: 0, stdout: expect.stringMatching(/--force[\s\S]*Example:/) })
  })

  it('list has one line for each', async () => {
    const { status, stdout, stderr } = await sess(['models', 'list'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^resnet50-v1-12 +remote +103 MB {2}224 x 224 {2}Apache-2\.0 +ResNet-50/m)
  })

  it('list --json has one object for each', async () => {
    const { stdout } = await sess(['models', 'list', '--json'])
    const entries = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const vgg = entries.find(({ id }) => id === 'vgg16-12')
    expect(vgg).toMatchObject({ state: 'remote', bytes: 553_437_752, licence: 'Apache-2.0' })
  })

  it('info of a model that is not here tells what is known, and asks nobody', async () => {
    const { status, stdout } = await sess(['models', 'info', 'vgg16-12'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^state +not downloaded yet \(sess models pull vgg16-12\)$/m)
    const { stdout: json } = await sess(['models', 'info', 'vgg16-12', '--json'])
    expect(JSON.parse(json)).toMatchObject({ id: 'vgg16-12', state: 'remote' })
  })

  it.each([
    ['path', 'vgg16-12', /^sess: MODEL_NOT_FOUND: vgg16-12 is not downloaded yet[^\n]*\n$/],
    ['path', 'vgg17', /^sess: MODEL_NOT_FOUND: vgg17 is not the id [^\n]*nearest: vgg1[^\n]*\n$/],
    ['pull', 'vgg17', /^sess: MODEL_NOT_FOUND: vgg17 [^\n]*\n$/],
    ['info', 'none.onnx', /^sess: MODEL_NOT_FOUND: none\.onnx [^\n]*\n$/],
  ])('%s %s fails with status 1', async (command, model, message) => {
    const { status, stdout, stderr } = await sess(['models', command, model])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('info takes what the model is told to be, and says who says so', async () => {
    const path = join(folder, 'model.onnx')
    writeFileSync(path, modelBytes(classifier))
    const preprocessor = { image_mean: 0.5, image_std: 0.5, size: 18, crop_size: 16, resample: 3 }
    writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessor))
    writeFileSync(join(folder, 'labels.txt'), 'a\nb\nc\n')
    const plain = await sess(['models', 'info', folder])
    for (const line of [
      /^pixels +x = \(v \* 1\/255 - \[0\.5, 0\.5, 0\.5\]\) \/ \[0\.5, 0\.5, 0\.5\]$/m,
      /^ +\(\S+preprocessor_config\.json\)$/m,
      /^ +\(not applied of the preprocessor file: crop and resample; the base view is the whole image, resized to the window\)$/m,
      /^target layer +r, 6 x 14 x 14$/m,
      /^ +\(the last with height and width over 1 that every path from the image to the logits passes\)$/m,
    ]) {
      expect(plain.stdout).toMatch(line)
    }
    const more = ['--layer', 'c', '--mean', '1,2,3', '--std', '4,5,6', '--activation', 'sigmoid']
    const told = await sess(['models', 'info', folder, ...more, '--labels', join(folder, 'labels.txt')])
    expect(told.status).toBe(0)
    for (const line of [
      /\[1, 2, 3\]\) \/ \[4, 5, 6\]\n +\(the options mean and std\)$/m,
      /^labels +3$/m,
      /^activation +sigmoid \(the option activation\)$/m,
      /^target layer +c, 6 x 14 x 14\n +\(--layer names it\)$/m,
    ]) {
      expect(told.stdout).toMatch(line)
    }
    const { stdout } = await sess(['models', 'info', folder, '--layer', 'c', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      analysis: { layer: { name: 'c', reason: 'option' }, preprocessing: { notApplied: ['crop', 'resample'] } },
    })
  })

  it.each([
    [['--layer', 'none'], /^sess: LAYER_NOT_FOUND: Layer "none" [^\n]*Candidates: "r", "c"[^\n]*\n$/],
    [['--mean', '1,2'], /^sess: OPTION_INVALID: --mean is "1,2"[^\n]*\n$/],
    [['--labels', 'none.txt'], /^sess: OPTION_INVALID: --labels is "none\.txt"[^\n]*\n$/],
    [['--activation', 'relu'], /^sess: OPTION_INVALID: --activation [^\n]*\n$/],
  ])('info %j is wrong usage', async (more, message) => {
    const path = join(folder, 'model.onnx')
    writeFileSync(path, modelBytes(classifier))
    const { status, stdout, stderr } = await sess(['models', 'info', path, ...more])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it.skipIf(sharedMissing)('info explains a file', async () => {
    const path = shared('models/mobilenet-v2-100-224.onnx')
    const { status, stdout } = await sess(['models', 'info', path])
    expect(status).toBe(0)
    for (const line of [
      /^window +224 x 224 pixels$/m,
      /^pixels +x = \(v \* 1\/255 - \[0\.5, 0\.5, 0\.5\]\) \/ \[0\.5, 0\.5, 0\.5\]$/m,
      /^batch +dynamic: /m,
      /^classes +1000$/m,
      /^target layer +out_relu, 1280 x 7 x 7$/m,
      /^methods +grad-cam$/m,
      /^multiply-adds +300\.8 million a window$/m,
      /^operators +Conv 52, /m,
    ]) {
      expect(stdout).toMatch(line)
    }
  })
})
