import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { shared, sharedMissing } from '../shared.ts'
import { sess } from './context.ts'

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
