import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { statedPreprocessing } from '../../src/models/preprocess.ts'
import { models } from '../../src/models/registry.ts'
import { resolveModel } from '../../src/models/resolve.ts'
import { answer, serve, TestServer } from './server.ts'

const config = { model_type: 'vit', id2label: { 0: 'cat', 1: 'dog' }, label2id: { cat: 0, dog: 1 } }
const preprocessor = {
  do_normalize: true,
  do_resize: true,
  image_mean: [0.5, 0.4, 0.3],
  image_std: [0.3, 0.2, 0.1],
  rescale_factor: 0.00392156862745098,
  resample: 2,
  size: { height: 224, width: 192 },
}
const files = { 'config.json': config, 'preprocessor_config.json': preprocessor, 'onnx/model.onnx': 'onnx' }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-hub-'))
  vi.stubEnv('SESS_CACHE', join(folder, 'cache'))
  for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY', 'HF_TOKEN']) vi.stubEnv(name, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const text = (content: string | object) => (typeof content === 'string' ? content : JSON.stringify(content))

/** A hub that has one repository, and is the endpoint. */
async function hub(content: Record<string, string | object> = files, revision = 'main'): Promise<TestServer> {
  const server = await TestServer.start((request, response) => {
    const name = (request.url ?? '').replace(`/org/name/resolve/${revision}/`, '')
    const found = content[name]
    return (found === undefined ? answer(404) : serve(Buffer.from(text(found))))(request, response)
  })
  vi.stubEnv('HF_ENDPOINT', `${server.url}/`)
  return server
}

function local(content: Record<string, string | object> = files): string {
  for (const [name, value] of Object.entries(content)) {
    mkdirSync(dirname(join(folder, 'local', name)), { recursive: true })
    writeFileSync(join(folder, 'local', name), text(value))
  }
  return join(folder, 'local')
}

const paths = (server: TestServer) => server.asked.map(({ path }) => path.replace(/^.*resolve\/[^/]+\//, ''))

describe('a model of a hub', () => {
  it('is fetched by what it needs and nothing else, and then used without asking', async () => {
    await using server = await hub()
    const progress: number[] = []
    const model = await resolveModel('hf:org/name', { onProgress: ({ done }) => progress.push(done) })
    expect(model).toMatchObject({
      id: 'hf:org/name',
      path: join(folder, 'cache/hub/org/name@main/onnx/model.onnx'),
      labels: ['cat', 'dog'],
      manifest: { input: { channels: 'RGB', height: 224, width: 192 } },
    })
    expect(paths(server)).toEqual(['config.json', 'preprocessor_config.json', 'onnx/model.onnx'])
    expect(progress.at(-1)).toBe(4)
    expect(statedPreprocessing(model.manifest, model.manifestPath)).toMatchObject({
      mean: [0.5, 0.4, 0.3],
      std: [0.3, 0.2, 0.1],
      from: expect.stringMatching(/preprocessor_config\.json$/),
    })
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9/elsewhere')
    expect(await resolveModel('hf:org/name')).toEqual(model)
    expect(server.asked).toHaveLength(3)
  })

  it('is kept by its revision', async () => {
    await using server = await hub(files, 'refs%2Fpr%2F1')
    const { path } = await resolveModel('hf:org/name@refs/pr/1')
    expect(path).toBe(join(folder, 'cache/hub/org/name@refs%2Fpr%2F1/onnx/model.onnx'))
    expect(server.asked[0]?.path).toBe('/org/name/resolve/refs%2Fpr%2F1/config.json')
    await expect(resolveModel('hf:org/name')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })

  it('gets the token, and no redirect does', async () => {
    await using store = await TestServer.start(serve(Buffer.from('{}')))
    await using server = await TestServer.start(answer(302, { location: `${store.url}/blob` }))
    vi.stubEnv('HF_ENDPOINT', server.url)
    vi.stubEnv('HF_TOKEN', 'secret')
    await resolveModel('hf:org/name')
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(new Array(3).fill('Bearer secret'))
    expect(store.asked).toHaveLength(3)
    expect(JSON.stringify(store.asked)).not.toMatch(/secret/)
  })

  it('that is not there is told, and leaves nothing that looks whole', async () => {
    await using _server = await hub({ 'config.json': config })
    const failure = resolveModel('hf:org/name')
    await expect(failure).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expect(failure).rejects.toThrow(/hf:org\/name \(onnx\/model\.onnx\).*404/)
    await expect(models.path('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  it('without a preprocessor is taken as one of which nothing is stated', async () => {
    await using _server = await hub({ 'config.json': config, 'onnx/model.onnx': 'onnx' })
    const { manifest, labels } = await resolveModel('hf:org/name')
    expect(manifest?.preprocess).toBeUndefined()
    expect(labels).toEqual(['cat', 'dog'])
  })

  it('is pulled, and pulled again', async () => {
    await using server = await hub()
    await expect(models.info('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(server.asked).toEqual([])
    const entry = await models.pull('hf:org/name')
    expect(entry).toMatchObject({ id: 'hf:org/name', state: 'cached', bytes: 4 })
    expect(await models.path('hf:org/name')).toBe(entry.path)
    await models.pull('hf:org/name', { force: true })
    expect(server.asked).toHaveLength(6)
  })

  it('at an endpoint that is no address is refused', async () => {
    vi.stubEnv('HF_ENDPOINT', 'nowhere')
    await expect(resolveModel('hf:org/name')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('a folder of the same shape', () => {
  it('is a model, and so is each file in its onnx folder', async () => {
    const path = local({ ...files, 'onnx/model_fp16.onnx': 'half' })
    const model = await resolveModel(path)
    expect(model).toMatchObject({ id: 'local', path: join(path, 'onnx/model.onnx'), labels: ['cat', 'dog'] })
    expect(await resolveModel(join(path, 'onnx/model_fp16.onnx'))).toMatchObject({
      id: 'model_fp16',
      labels: ['cat', 'dog'],
      manifest: { preprocess: { mean: [0.5, 0.4, 0.3] } },
    })
  })

  it('may have its model at the top', async () => {
    const path = local({ 'config.json': config, 'preprocessor_config.json': preprocessor, 'model.onnx': 'onnx' })
    expect(await resolveModel(path)).toMatchObject({ path: join(path, 'model.onnx'), labels: ['cat', 'dog'] })
  })

  it.each<[string, object, object]>([
    ['no rescaling', { do_rescale: false }, { scale: 1, mean: [0.5, 0.4, 0.3] }],
    ['no normalisation', { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    ['one number for three', { image_mean: 0.5, image_std: 0.25 }, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }],
    ['blue first', { do_flip_channel_order: true }, { channels: 'BGR', mean: [0.3, 0.4, 0.5], std: [0.1, 0.2, 0.3] }],
  ])('says: %s', async (_, more, expected) => {
    const model = await resolveModel(local({ ...files, 'preprocessor_config.json': { ...preprocessor, ...more } }))
    expect(statedPreprocessing(model.manifest, model.manifestPath)).toMatchObject(expected)
  })

  it.each<[string, object, number, number]>([
    ['size', { size: 160 }, 160, 160],
    ['the crop of a longer side', { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 200 } }, 224, 200],
    [
      'the size where nothing is cropped',
      { size: { shortest_edge: 96 }, crop_size: 80, do_center_crop: false },
      96,
      96,
    ],
  ])('has the window of %s', async (_, more, height, width) => {
    const model = await resolveModel(local({ ...files, 'preprocessor_config.json': { ...preprocessor, ...more } }))
    expect(model.manifest?.input).toMatchObject({ height, width })
  })

  it('with several labels a photo ends in a sigmoid', async () => {
    const path = local({ ...files, 'config.json': { ...config, problem_type: 'multi_label_classification' } })
    expect((await resolveModel(path)).manifest?.activation).toBe('sigmoid')
  })

  it.each<[string, Record<string, string | object>, RegExp]>([
    ['mean', { 'preprocessor_config.json': { ...preprocessor, image_mean: [1, 2] } }, /"image_mean"/],
    ['std', { 'preprocessor_config.json': { ...preprocessor, image_std: [1, 0, 1] } }, /"image_std/],
    ['mean that is asked for', { 'preprocessor_config.json': { do_normalize: true } }, /"image_mean" is missing/],
    ['size', { 'preprocessor_config.json': { ...preprocessor, size: 1e9 } }, /"size"/],
    ['type', { 'preprocessor_config.json': { ...preprocessor, do_rescale: 'yes' } }, /"do_rescale"/],
    ['whole', { 'preprocessor_config.json': '[]' }, /preprocessor_config\.json: the whole/],
    ['depth', { 'preprocessor_config.json': '['.repeat(1e6) }, /is not JSON/],
    ['label', { 'config.json': { id2label: { 0: 'a', 2: 'b' } } }, /"id2label" has 2 labels, and none for class 1/],
    ['label key', { 'config.json': { id2label: { __proto: 'a' } } }, /"id2label/],
    ['label type', { 'config.json': { id2label: { 0: 7 } } }, /"id2label\.0"/],
    ['size of the file', { 'config.json': ' '.repeat(2 ** 24 + 1) }, /too many/],
  ])('with a hostile configuration is refused by field: %s', async (_, more, message) => {
    const failure = resolveModel(local({ ...files, ...more }))
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    await expect(failure).rejects.toThrow(message)
  })
})
