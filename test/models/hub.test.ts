import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, StringStringEntryProtoSchema, type TensorProto, TensorProto_DataLocation } from 'onnx-buf'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { statedPreprocessing } from '../../src/models/preprocess.ts'
import { models } from '../../src/models/registry.ts'
import { resolveModel } from '../../src/models/resolve.ts'
import { buildModel, int, type ModelSpec, op, randomTensor } from '../onnx/models.ts'
import { answer, inTurn, serve, startOf, TestServer } from './server.ts'

const config = { model_type: 'vit', id2label: { 0: 'cat', 1: 'dog' }, label2id: { cat: 0, dog: 1 } }
const preprocessor = {
  image_mean: [0.5, 0.4, 0.3],
  image_std: [0.3, 0.2, 0.1],
  size: { height: 16, width: 12 },
}

const convolution = randomTensor('k', [4, 3, 3, 3])
const dense = randomTensor('w', [2, 4])
const small: ModelSpec = {
  input: { dims: ['n', 3, 16, 12] },
  nodes: [
    op('Conv', 'x k', 'c'),
    op('GlobalAveragePool', 'c', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ],
  tensors: [convolution, dense],
}
const bytesOf = (spec: ModelSpec) => Buffer.from(toBinary(ModelProtoSchema, buildModel(spec)))
const graph = bytesOf(small)

/** The same tensor, with its data at the start of another file. */
function external(tensor: TensorProto, location: string): TensorProto {
  const entries = { location, offset: '0', length: String(tensor.rawData.length) }
  return {
    ...tensor,
    rawData: new Uint8Array(),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  }
}
const apart = (first: string, second: string) =>
  bytesOf({ ...small, tensors: [external(convolution, first), external(dense, second)] })

type Content = Readonly<Record<string, object>>
const files = { 'config.json': config, 'preprocessor_config.json': preprocessor, 'onnx/model.onnx': graph }
const split = {
  ...files,
  'onnx/model.onnx': apart('model.onnx_data', 'parts/dense #2'),
  'onnx/model.onnx_data': Buffer.from(convolution.rawData),
  'onnx/parts/dense #2': Buffer.from(dense.rawData),
}
const configuration = ['config.json', 'preprocessor_config.json']

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

type Handler = Parameters<typeof TestServer.start>[0]
const bytes = (content: object) => (Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content)))

/** A hub that has one repository, and is the endpoint. `odd`: files that are not simply served. */
async function hub(
  content: Content = files,
  { revision = 'main', odd = {} }: { revision?: string; odd?: Readonly<Record<string, Handler>> } = {},
): Promise<TestServer> {
  const server = await TestServer.start((request, response) => {
    const name = decodeURIComponent((request.url ?? '').replace(`/org/name/resolve/${revision}/`, ''))
    const found = content[name]
    const handler = odd[name] ?? (found === undefined ? answer(404) : serve(bytes(found)))
    return handler(request, response)
  })
  vi.stubEnv('HF_ENDPOINT', `${server.url}/`)
  return server
}

const paths = (server: TestServer) => server.asked.map(({ path }) => path.replace(/^.*resolve\/[^/]+\//, ''))
const cached = (name: string) => join(folder, 'cache/hub/org/name@main', name)

describe('a model of a hub', () => {
  it('is fetched by what it needs and nothing else, and then used without asking', async () => {
    await using server = await hub()
    const progress: number[] = []
    const model = await resolveModel('hf:org/name', { onProgress: ({ done }) => progress.push(done) })
    expect(model).toMatchObject({
      id: 'hf:org/name',
      path: cached('onnx/model.onnx'),
      labels: ['cat', 'dog'],
      manifest: { input: { channels: 'RGB', height: 16, width: 12 } },
    })
    expect(paths(server)).toEqual([...configuration, 'onnx/model.onnx'])
    expect(progress.at(-1)).toBe(graph.length)
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
    await using server = await hub(files, { revision: 'refs%2Fpr%2F1' })
    const { path } = await resolveModel('hf:org/name@refs/pr/1')
    expect(path).toBe(join(folder, 'cache/hub/org/name@refs%2Fpr%2F1/onnx/model.onnx'))
    expect(server.asked[0]?.path).toBe('/org/name/resolve/refs%2Fpr%2F1/config.json')
    await expect(resolveModel('hf:org/name')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })

  it('that is not there is told, and leaves nothing that looks whole', async () => {
    await using _server = await hub({ 'config.json': config })
    const failure = resolveModel('hf:org/name')
    await expect(failure).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expect(failure).rejects.toThrow(/hf:org\/name \(onnx\/model\.onnx\).*404/)
    await expect(models.path('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  it('without a preprocessor is taken as one of which nothing is stated', async () => {
    await using _server = await hub({ 'config.json': config, 'onnx/model.onnx': graph })
    const { manifest, labels } = await resolveModel('hf:org/name')
    expect(manifest?.preprocess).toBeUndefined()
    expect(labels).toEqual(['cat', 'dog'])
  })

  it('is pulled, and pulled again', async () => {
    await using server = await hub()
    await expect(models.info('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(server.asked).toEqual([])
    const entry = await models.pull('hf:org/name')
    expect(entry).toMatchObject({ id: 'hf:org/name', state: 'cached', bytes: graph.length })
    expect(await models.path('hf:org/name')).toBe(entry.path)
    expect(await models.info('hf:org/name')).toMatchObject({ state: 'cached', analysis: { classes: 2 } })
    await models.pull('hf:org/name', { force: true })
    expect(server.asked).toHaveLength(6)
  })

  it('whose graph is none is refused', async () => {
    await using _server = await hub({ ...files, 'onnx/model.onnx': Buffer.from('<html>') })
    await expect(resolveModel('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  })

  it('at an endpoint that is no address is refused', async () => {
    vi.stubEnv('HF_ENDPOINT', 'nowhere')
    await expect(resolveModel('hf:org/name')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('the token', () => {
  const tokens = (server: TestServer) => server.asked.map(({ headers }) => headers.authorization)
  beforeEach(() => vi.stubEnv('HF_TOKEN', 'secret'))

  it('goes to the endpoint for every file, and to no other host', async () => {
    const found = (request: { url?: string | undefined }) =>
      bytes(split[decodeURIComponent(request.url?.replace('/blob/', '') ?? '') as keyof typeof split] ?? {})
    await using store = await TestServer.start((request, response) => serve(found(request))(request, response))
    await using server = await TestServer.start((request, response) => {
      const location = `${store.url}/blob/${request.url?.replace('/org/name/resolve/main/', '')}`
      return answer(302, { location })(request, response)
    })
    vi.stubEnv('HF_ENDPOINT', server.url)
    await resolveModel('hf:org/name')
    expect(tokens(server)).toEqual(new Array(5).fill('Bearer secret'))
    expect(store.asked).toHaveLength(5)
    expect(JSON.stringify(store.asked)).not.toMatch(/secret/)
  })

  it('goes to no redirect on the same host', async () => {
    const elsewhere: Handler = (request, response) =>
      request.url?.startsWith('/cache/')
        ? serve(bytes(config))(request, response)
        : answer(307, { location: '/cache/config' })(request, response)
    await using server = await hub(files, { odd: { 'config.json': elsewhere, '/cache/config': elsewhere } })
    await resolveModel('hf:org/name')
    expect(server.asked.slice(0, 3).map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/org/name/resolve/main/config.json', 'Bearer secret'],
      ['/cache/config', undefined],
      ['/org/name/resolve/main/preprocessor_config.json', 'Bearer secret'],
    ])
  })

  it.each(['two words', 'secr\u00e9t', 'a\nb'])('that is none is refused and not shown: %j', async (token) => {
    await using server = await hub()
    vi.stubEnv('HF_TOKEN', token)
    const failure: Error = await resolveModel('hf:org/name').catch((error) => error)
    expect(failure).toMatchObject({ code: 'OPTION_INVALID' })
    expect(failure.message).not.toContain(token)
    expect(server.asked).toEqual([])
  })
})

describe('a variant', () => {
  it.each([
    ['fp32', 'model'],
    ['fp16', 'model_fp16'],
    ['q8', 'model_quantized'],
    ['quantized', 'model_quantized'],
    ['int8', 'model_int8'],
    ['uint8', 'model_uint8'],
    ['q4', 'model_q4'],
    ['q4f16', 'model_q4f16'],
    ['bnb4', 'model_bnb4'],
  ])('%s is the file %s', async (variant, file) => {
    await using server = await hub({ ...files, [`onnx/${file}.onnx`]: graph })
    const model = await resolveModel(`hf:org/name:${variant}`)
    expect(model).toMatchObject({ id: `hf:org/name:${variant}`, path: cached(`onnx/${file}.onnx`) })
    expect(paths(server)).toEqual([...configuration, `onnx/${file}.onnx`])
  })

  it('is kept beside the others of its revision, and shares their configuration', async () => {
    await using server = await hub({ ...files, 'onnx/model_fp16.onnx': graph }, { revision: 'v1.0' })
    await resolveModel('hf:org/name@v1.0')
    await expect(models.path('hf:org/name@v1.0:fp16')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await resolveModel('hf:org/name@v1.0:fp16')
    expect(paths(server)).toEqual([...configuration, 'onnx/model.onnx', 'onnx/model_fp16.onnx'])
  })

  it.each(['hf:org/name:fp8', 'hf:org/name@main:FP16', 'hf:org/name:'])('%s is none', async (name) => {
    await using server = await hub()
    const failure = resolveModel(name)
    await expect(failure).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(failure).rejects.toThrow(/fp32, fp16, q8, int8, uint8, q4, /)
    expect(server.asked).toEqual([])
  })

  it('is explained or not by what its graph holds, whatever it is called', async () => {
    const quantised = bytesOf({
      ...small,
      nodes: [
        ...small.nodes.slice(0, 3),
        op('DynamicQuantizeLinear', 'f', 'q s o'),
        op('DequantizeLinear', 'q s o', 'y'),
        op('Gemm', 'y w', 'z', { transB: int(1) }),
      ],
    })
    const content = { ...files, 'onnx/model.onnx': quantised, 'onnx/model_q4.onnx': graph }
    await using _server = await hub(content)
    const supportOf = async (name: string) => {
      await models.pull(name)
      return (await models.info(name)).analysis?.methods.find((method) => method.name === 'grad-cam')
    }
    expect(await supportOf('hf:org/name:q4')).toEqual({ name: 'grad-cam', supported: true })
    const reason = expect.stringMatching(/(Dequantize|DynamicQuantize)Linear/)
    expect(await supportOf('hf:org/name')).toEqual({ name: 'grad-cam', supported: false, reason })
  })
})

describe('weights in other files', () => {
  const all = [...configuration, 'onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/parts/dense%20%232']

  it('are fetched by the names in the graph, and nothing else is', async () => {
    await using server = await hub(split)
    const progress: { done: number; total: number }[] = []
    const { path } = await resolveModel('hf:org/name', { onProgress: (p) => progress.push({ ...p }) })
    expect(paths(server)).toEqual(all)
    expect(readFileSync(cached('onnx/parts/dense #2')).equals(dense.rawData)).toBe(true)
    const size = split['onnx/model.onnx'].length + convolution.rawData.length + dense.rawData.length
    expect(progress.at(-1)).toMatchObject({ done: size, total: size })
    expect(progress.every(({ done, total }, i) => done <= total && done >= (progress[i - 1]?.done ?? 0))).toBe(true)
    expect((await models.info(path)).analysis).toMatchObject({ classes: 2, parameters: 108 + 8 })
    await resolveModel('hf:org/name')
    expect(server.asked).toHaveLength(5)
  })

  it('that are missing on the host leave a model that is not whole, and the next call asks for them only', async () => {
    const content: Record<string, object> = { ...split }
    await using server = await hub(content)
    delete content['onnx/parts/dense #2']
    const failure = resolveModel('hf:org/name')
    await expect(failure).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expect(failure).rejects.toThrow(/hf:org\/name \(onnx\/parts\/dense #2\).*404/)
    await expect(models.path('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    content['onnx/parts/dense #2'] = split['onnx/parts/dense #2']
    await resolveModel('hf:org/name')
    expect(paths(server).slice(all.length)).toEqual(['onnx/parts/dense%20%232'])
  })

  it('go on after a break', async () => {
    const data = Buffer.from(convolution.rawData)
    const broken = inTurn(startOf(data, 200), serve(data))
    await using server = await hub(split, { odd: { 'onnx/model.onnx_data': broken } })
    let cut = false
    await resolveModel('hf:org/name', {
      onProgress({ done }) {
        if (cut || done < split['onnx/model.onnx'].length + 200) return
        cut = true
        server.cut()
      },
    })
    expect(server.ranges).toEqual([undefined, undefined, undefined, undefined, 'bytes=200-', undefined])
    expect(readFileSync(cached('onnx/model.onnx_data')).equals(data)).toBe(true)
  })

  it('of an older graph are never read by a newer one', async () => {
    const content: Record<string, object> = { ...split }
    await using server = await hub(content)
    await models.pull('hf:org/name')
    delete content['onnx/model.onnx_data']
    await expect(models.pull('hf:org/name', { force: true })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expect(models.path('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    content['onnx/model.onnx_data'] = Buffer.alloc(convolution.rawData.length, 1)
    await models.pull('hf:org/name')
    expect(paths(server).slice(-2)).toEqual(all.slice(-2))
  })

  it.each(['../config.json', '/etc/passwd', 'a/../../b', '..\\b', 'https://example.org/x/../../../y', ''])(
    'at %j are outside the folder, and not asked for',
    async (location) => {
      await using server = await hub({ ...split, 'onnx/model.onnx': apart('model.onnx_data', location) })
      const failure = resolveModel('hf:org/name')
      await expect(failure).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
      await expect(failure).rejects.toThrow(/outside its own folder/)
      expect(paths(server)).toEqual(all.slice(0, 3))
    },
  )

  it('in too many files are not asked for', async () => {
    const tensors = Array.from({ length: 101 }, (_, i) => external(randomTensor(`t${i}`, [1, 1]), `part_${i}`))
    await using server = await hub({ ...files, 'onnx/model.onnx': bytesOf({ ...small, tensors }) })
    await expect(resolveModel('hf:org/name')).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    expect(server.asked).toHaveLength(3)
  })
})
