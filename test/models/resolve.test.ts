import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { registryIds } from '../../src/models/known-models.ts'
import { models } from '../../src/models/registry.ts'
import { modelReference, resolveModel } from '../../src/models/resolve.ts'
import { shared, sharedMissing } from '../shared.ts'
import { answer, serve, TestServer } from './server.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-models-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function put(name: string, content: string | object = 'onnx'): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
const manifest = (more: object = {}) => ({ schema: 1, id: 'mine', file: 'a.onnx', ...more })

describe('a model', () => {
  it('bare, by its path', async () => {
    const path = put('a.b.onnx')
    expect(await resolveModel(path)).toEqual({ id: 'a.b', path, manifest: undefined, labels: undefined })
    expect(await resolveModel(pathToFileURL(path))).toMatchObject({ path })
  })

  it('takes the manifest of its name beside it', async () => {
    const path = put('a.onnx')
    put('a.json', manifest({ labels: ['x', 'y'] }))
    put('b.json', manifest({ id: 'other' }))
    expect(await resolveModel(path)).toMatchObject({ id: 'mine', path, manifest: manifest(), labels: ['x', 'y'] })
    expect(await resolveModel(join(folder, 'a.json'))).toMatchObject({ id: 'mine', path })
  })

  it('finds labels in a file beside the manifest', async () => {
    const path = put('a.onnx')
    put('names/l.txt', 'x\ny\n')
    put('a.json', manifest({ labels: 'names/l.txt' }))
    expect((await resolveModel(path)).labels).toEqual(['x', 'y'])
  })

  it.each<[string, Record<string, string | object>, string | undefined]>([
    ['its only .onnx', { 'a.onnx': '' }, undefined],
    ['model.onnx among several', { 'model.onnx': '', 'b.onnx': '' }, undefined],
    ['its only .onnx with the manifest that names it', { 'a.onnx': '', 'manifest.json': manifest() }, 'mine'],
    ['the .onnx that the only manifest names', { 'a.onnx': '', 'b.onnx': '', 'x.json': manifest() }, 'mine'],
    [
      'its only .onnx beside files of others',
      { 'a.onnx': '', 'config.json': { model: 1 }, 'tokenizer.json': 'not json' },
      undefined,
    ],
  ])('in a folder: %s', async (_, files, id) => {
    for (const [name, content] of Object.entries(files)) put(name, content)
    const model = await resolveModel(folder)
    expect(model.path).toBe(join(folder, 'model.onnx' in files ? 'model.onnx' : 'a.onnx'))
    expect(model.manifest?.id).toBe(id)
  })

  it('comes from the registry by id, as a file or a folder of that name', async () => {
    put('registry/flat.json', manifest({ id: 'flat' }))
    put('registry/a.onnx')
    put('registry/deep/deep.json', manifest({ id: 'deep' }))
    put('registry/deep/a.onnx')
    const registry = join(folder, 'registry')
    expect(await resolveModel('flat', { registry })).toMatchObject({ id: 'flat', path: join(registry, 'a.onnx') })
    expect(await resolveModel('deep', { registry })).toMatchObject({ id: 'deep', path: join(registry, 'deep/a.onnx') })
    expect(await registryIds(registry)).toEqual(['deep', 'flat'])
  })

  it('is referred to by an id where it means the same everywhere, else by its path', async () => {
    put('registry/flat.json', manifest({ id: 'flat' }))
    const registry = join(folder, 'registry')
    expect(await modelReference('flat', registry)).toEqual({ kind: 'id', id: 'flat' })
    expect(await modelReference('hf:org/name:q8', registry)).toEqual({ kind: 'id', id: 'hf:org/name:q8' })
    expect(await modelReference('./flat', registry)).toEqual({ kind: 'path', path: resolve('flat') })
    expect(await modelReference('deep/a.onnx', registry)).toEqual({ kind: 'path', path: resolve('deep/a.onnx') })
    const path = join(folder, 'a.onnx')
    expect(await modelReference(pathToFileURL(path), registry)).toEqual({ kind: 'path', path })
  })

  it('may be another than its manifest states, where the caller compares it', async () => {
    const path = put('a.onnx', 'other')
    put('a.json', manifest({ sha256: '0'.repeat(64) }))
    await expect(resolveModel(path)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
    expect(await resolveModel(path, { checksum: 'leave' })).toMatchObject({ id: 'mine', path })
  })

  it.skipIf(sharedMissing)('MobileNet v1 has the size, the hash and the labels that its manifest states', async () => {
    const model = await resolveModel(shared('models/mobilenet-v1-075-224.onnx'))
    expect(model).toMatchObject({ id: 'mobilenet-v1-075-224', manifest: { layer: 'conv_pw_13_relu' } })
    expect(model.labels).toHaveLength(1000)
  })
})

describe('what the manifest states about the file', () => {
  const sha256 = createHash('sha256').update('onnx').digest('hex')
  it.each([
    ['bytes', { bytes: 4 }, true],
    ['sha256', { sha256 }, true],
    ['SHA256 in capitals', { sha256: sha256.toUpperCase() }, true],
    ['other bytes', { bytes: 5 }, false],
    ['another sha256', { sha256: '0'.repeat(64) }, false],
  ])('is checked: %s', async (_, stated, fits) => {
    const path = put('a.onnx', 'onnx')
    put('a.json', manifest(stated))
    if (fits) await expect(resolveModel(path)).resolves.toMatchObject({ id: 'mine' })
    else await expect(resolveModel(path)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  })
})

describe('no model', () => {
  it.each<[string, string, () => string | URL, RegExp]>([
    ['an id that is none', 'MODEL_NOT_FOUND', () => 'tiny999', /tiny999 is neither .*--model/],
    ['the empty name', 'MODEL_NOT_FOUND', () => '', /empty name/],
    ['a missing file', 'MODEL_NOT_FOUND', () => join(folder, 'none.onnx'), /none\.onnx is neither/],
    ['an address', 'MODEL_NOT_FOUND', () => 'https://example.org/m.onnx', /Download/],
    ['an address as URL', 'MODEL_NOT_FOUND', () => new URL('https://example.org/m.onnx'), /Download/],
    ['a name that no hub has', 'MODEL_NOT_FOUND', () => 'hf:name', /hf:ORG\/NAME/],
    ['a name that leaves the cache', 'MODEL_NOT_FOUND', () => 'hf:../..', /hf:ORG\/NAME/],
    ['an empty folder', 'MODEL_NOT_FOUND', () => folder, /has no \.onnx file/],
    ['a device', 'MODEL_UNREADABLE', () => '/dev/null', /not a regular file/],
  ])('%s is %s', async (_, code, name, message) => {
    const failure = resolveModel(name())
    await expect(failure).rejects.toMatchObject({ code })
    await expect(failure).rejects.toThrow(message)
  })

  it('several in a folder are listed', async () => {
    put('a.onnx')
    put('b.onnx')
    const failure = resolveModel(folder)
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(failure).rejects.toThrow(/several models \(a\.onnx, b\.onnx\)/)
  })

  it.each([
    ['a file that is not there', { file: 'none.onnx' }, 'MODEL_NOT_FOUND', /none\.onnx/],
    ['labels that are not there', { labels: 'none.txt' }, 'MODEL_UNREADABLE', /field "labels"/],
    ['a file outside', { file: '../a.onnx' }, 'MODEL_UNREADABLE', /field "file"/],
  ])('a manifest that names %s', async (_, more, code, message) => {
    put('a.onnx')
    const failure = resolveModel(put('m.json', manifest(more)))
    await expect(failure).rejects.toMatchObject({ code })
    await expect(failure).rejects.toThrow(message)
  })

  it.each<[string, string | object, RegExp]>([
    ['manifest that is too long', ' '.repeat(2 ** 24 + 1), /manifest .*16777217 bytes are too many/],
    ['manifest that is too deep', `{"a":`.repeat(1e5) + 0 + '}'.repeat(1e5), /field "a" is unknown/],
    ['manifest that does not end', '['.repeat(1e6), /is not JSON/],
    ['file of labels that is too long', manifest({ labels: 'long.txt' }), /"labels": .*too many/],
    ['file of labels that is too deep', manifest({ labels: 'deep.json' }), /"labels": .*entry 0 is no text/],
    ['file of labels that is a folder', manifest({ labels: 'folder' }), /"labels": /],
    ['file of labels that are none', manifest({ labels: 'numbers.json' }), /"labels": .*entry 1 is no text/],
  ])('with a hostile %s', async (_, content, message) => {
    put('long.txt', ' '.repeat(2 ** 24 + 1))
    put('deep.json', '['.repeat(1e5) + ']'.repeat(1e5))
    put('folder/x.txt')
    put('numbers.json', ['a', 7])
    put('a.json', content)
    const failure = resolveModel(put('a.onnx'))
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    await expect(failure).rejects.toThrow(message)
  })

  it('beside a file of its name that is no manifest', async () => {
    put('a.json', '{"labels": []}')
    await expect(resolveModel(put('a.onnx'))).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  })

  it('of more than 2 GiB', async () => {
    const path = put('a.onnx')
    truncateSync(path, 2 ** 31 + 1)
    await expect(resolveModel(path)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })

  it('once the signal has said so', async () => {
    const path = put('a.onnx')
    await expect(resolveModel(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    truncateSync(path, 2 ** 27)
    put('a.json', manifest({ sha256: '0'.repeat(64) }))
    const controller = new AbortController()
    const failure = resolveModel(path, { signal: controller.signal })
    controller.abort()
    await expect(failure).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('a model that is known by its address', () => {
  const remote = (server: TestServer, more: object = {}) => {
    const sha256 = createHash('sha256').update('onnx').digest('hex')
    return { schema: 1, id: 'far', url: `${server.url}/m.onnx`, bytes: 4, sha256, ...more }
  }
  beforeEach(() => {
    vi.stubEnv('SESS_CACHE', join(folder, 'cache'))
    for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY']) vi.stubEnv(name, '')
  })
  afterEach(() => vi.unstubAllEnvs())

  it('is downloaded when it is asked for, once', async () => {
    await using server = await TestServer.start(serve(Buffer.from('onnx')))
    put('registry/far.json', remote(server))
    const registry = join(folder, 'registry')
    const progress: number[] = []
    const model = await resolveModel('far', { registry, onProgress: ({ done }) => progress.push(done) })
    expect(model.path.startsWith(join(folder, 'cache/models/far/'))).toBe(true)
    expect(progress.at(-1)).toBe(4)
    expect(await resolveModel('far', { registry })).toEqual(model)
    expect(server.asked).toHaveLength(1)
  })

  it('and has its file beside the manifest is not', async () => {
    await using server = await TestServer.start(serve(Buffer.from('onnx')))
    put('a.onnx')
    const path = put('m.json', remote(server, { file: 'a.onnx' }))
    expect((await resolveModel(path)).path).toBe(join(folder, 'a.onnx'))
    expect(server.asked).toEqual([])
  })

  it('is not downloaded where that is not wanted', async () => {
    await using server = await TestServer.start(serve(Buffer.from('onnx')))
    const failure = resolveModel(put('m.json', remote(server)), { absent: 'refuse' })
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(failure).rejects.toThrow(/sess models pull far/)
    expect(server.asked).toEqual([])
  })

  it('and was swapped in the cache is refused', async () => {
    await using server = await TestServer.start(serve(Buffer.from('onnx')))
    const path = put('m.json', remote(server))
    writeFileSync((await resolveModel(path)).path, 'evil')
    const failure = resolveModel(path)
    await expect(failure).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
    await expect(failure).rejects.toThrow(/sess models pull far --force/)
  })

  it('and cannot be had leaves nothing', async () => {
    await using server = await TestServer.start(answer(404))
    await expect(resolveModel(put('m.json', remote(server)))).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expect(models.path('far', { registry: folder })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  it('is listed, pulled, checked and pulled again', async () => {
    await using server = await TestServer.start(serve(Buffer.from('onnx')))
    put('registry/far.json', remote(server, { title: 'Far' }))
    const registry = join(folder, 'registry')
    expect(await models.list({ registry })).toMatchObject([{ id: 'far', title: 'Far', state: 'remote', bytes: 4 }])
    expect(await models.info('far', { registry })).toMatchObject({ id: 'far', state: 'remote', analysis: undefined })
    expect(server.asked).toEqual([])
    const { path, state } = await models.pull('far', { registry })
    expect(state).toBe('cached')
    expect(await models.path('far', { registry })).toBe(path)
    await models.pull('far', { registry })
    expect(server.asked).toHaveLength(1)
    writeFileSync(path, 'evil')
    await expect(models.pull('far', { registry })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
    await models.pull('far', { registry, force: true })
    expect(readFileSync(path, 'utf8')).toBe('onnx')
    expect(server.asked).toHaveLength(2)
  })

  it('by a wrong id is told with the nearest', async () => {
    const failure = models.pull('resnet50')
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(failure).rejects.toThrow(/nearest: resnet50-v1-12, .*sess models list/)
    await expect(models.path('../secret')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })
})
