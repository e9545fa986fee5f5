import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Download, download } from '../../src/models/download.ts'
import { answer, inTurn, serve, startOf, TestServer } from './server.ts'

const content = randomBytes(300_000)
const sha256 = createHash('sha256').update(content).digest('hex')
const patience = { connect: 2000, idle: 400, retries: 2, pause: 1 }

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-download-'))
  path = join(folder, 'cache', 'm.onnx')
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']) {
    vi.stubEnv(name, '')
    vi.stubEnv(name.toUpperCase(), '')
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const get = (server: TestServer, more: Partial<Download> = {}) =>
  download({ name: 'm', url: `${server.url}/m.onnx`, path, bytes: 300_000, sha256, limit: 1e6, patience, ...more })

const files = () => readdirSync(join(folder, 'cache'))
const isWhole = () => expect(readFileSync(path).equals(content)).toBe(true)

/** What a killed or stopped download leaves; `owner` idle, or the name of one that is gone. */
function leave(bytes: Uint8Array, options: { etag?: string; owner?: string; age?: number } = {}): void {
  const { etag = '"v1"', owner = 'idle', age = 0 } = options
  mkdirSync(join(folder, 'cache'), { recursive: true })
  const part = join(folder, 'cache', `m.onnx.${owner}.${Buffer.from(etag).toString('base64url')}.part`)
  writeFileSync(part, bytes)
  const time = new Date(Date.now() - age)
  utimesSync(part, time, time)
}

describe('a download', () => {
  it('is whole, and tells its progress', async () => {
    await using server = await TestServer.start(serve(content))
    const seen: { done: number; total: number }[] = []
    await get(server, { onProgress: (progress) => seen.push(progress) })
    isWhole()
    expect(files()).toEqual(['m.onnx'])
    expect(seen.every(({ done, total }, i) => total === 300_000 && done >= (seen[i - 1]?.done ?? 0))).toBe(true)
    expect(seen.at(-1)).toEqual({ done: 300_000, total: 300_000 })
    expect(server.asked).toHaveLength(1)
    expect(server.asked[0]?.headers['accept-encoding']).toBe('identity')
  })

  it('of a file of which nothing is stated is taken as the server says', async () => {
    await using server = await TestServer.start((_, response) => {
      response.write(content.subarray(0, 1000))
      response.end(content.subarray(1000))
    })
    const seen: { done: number; total: number }[] = []
    await get(server, { bytes: undefined, sha256: undefined, onProgress: (progress) => seen.push(progress) })
    isWhole()
    expect(seen).toEqual([{ done: 300_000, total: 300_000 }])
  })

  it('replaces the old file only when the new one is checked', async () => {
    await using server = await TestServer.start(inTurn(serve(Buffer.alloc(300_000)), serve(content)))
    mkdirSync(join(folder, 'cache'))
    writeFileSync(path, 'old')
    await expect(get(server)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
    expect(readFileSync(path, 'utf8')).toBe('old')
    await get(server)
    isWhole()
    expect(files()).toEqual(['m.onnx'])
  })

  it('several at once of one file do not disturb each other', async () => {
    await using server = await TestServer.start(serve(content))
    await Promise.all(Array.from({ length: 5 }, () => get(server)))
    isWhole()
    expect(files()).toEqual(['m.onnx'])
  })
})

/** Breaks the connection once, when the client has `bytes`. */
function cutAt(server: TestServer, bytes: number): Partial<Download> {
  let isCut = false
  const onProgress = ({ done }: { done: number }) => {
    if (done < bytes || isCut) return
    isCut = true
    server.cut()
  }
  return { onProgress, patience: { ...patience, idle: 30_000 } }
}

describe('after a break', () => {
  it('the same call goes on where it was', async () => {
    await using server = await TestServer.start(inTurn(startOf(content, 120_000), serve(content)))
    await get(server, cutAt(server, 120_000))
    isWhole()
    expect(server.ranges).toEqual([undefined, 'bytes=120000-'])
    expect(server.asked[1]?.headers['if-range']).toBe('"v1"')
  })

  it('a later call does', async () => {
    await using server = await TestServer.start(inTurn(startOf(content, 120_000), serve(content)))
    const { onProgress } = cutAt(server, 120_000)
    const broken = get(server, { onProgress, patience: { ...patience, idle: 30_000, retries: 0 } })
    await expect(broken).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    expect(existsSync(path)).toBe(false)
    await get(server)
    isWhole()
    expect(server.ranges).toEqual([undefined, 'bytes=120000-'])
    expect(files()).toEqual(['m.onnx'])
  })

  it('a stalled body is one', async () => {
    const stalled = inTurn(startOf(content, 5000), serve(content))
    await using server = await TestServer.start(stalled)
    await get(server)
    isWhole()
    expect(server.ranges).toEqual([undefined, 'bytes=5000-'])
  })

  it('a server that answers nothing is given up in time', async () => {
    await using server = await TestServer.start(() => {})
    await expect(get(server, { patience: { ...patience, retries: 1 } })).rejects.toThrow(/does not answer/)
    expect(server.asked).toHaveLength(2)
  })

  it('an overloaded server is asked again', async () => {
    await using server = await TestServer.start(inTurn(answer(503), answer(429), serve(content)))
    await get(server)
    isWhole()
  })

  it('a body that always breaks is given up', async () => {
    await using server = await TestServer.start((_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 1000), () => response.socket?.end())
    })
    await expect(get(server)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    expect(server.asked).toHaveLength(3)
  })

  it('a body without a length that ends early is no whole one', async () => {
    await using server = await TestServer.start((_, response) => {
      response.write(content.subarray(0, 99))
      response.end()
    })
    await expect(get(server)).rejects.toThrow(/ended after 99 of 300000 bytes/)
  })

  it.each([
    ['ignores ranges', serve(content, { etag: '' }), (s: TestServer) => s.ranges.length === 1],
    ['has another file by now', serve(content, { etag: '"v2"' }), (s: TestServer) => s.ranges.length === 1],
    ['answers 416', inTurn(answer(416), serve(content)), (s: TestServer) => s.ranges[1] === undefined],
    [
      'sends another range',
      inTurn(answer(206, { 'content-range': 'bytes 5-299999/300000' }, 'x'), serve(content)),
      (s: TestServer) => s.ranges[1] === undefined,
    ],
    [
      'sends a range of another whole',
      inTurn(answer(206, { 'content-range': 'bytes 1000-399999/400000' }, 'x'), serve(content)),
      (s: TestServer) => s.ranges[1] === undefined,
    ],
    ['sends no range', inTurn(answer(206, {}, 'x'), serve(content)), (s: TestServer) => s.ranges[1] === undefined],
  ])('a server that %s is taken from the start', async (name, handler, fits) => {
    leave(content.subarray(0, 1000))
    const ignoring = name === 'ignores ranges'
    await using server = await TestServer.start(
      ignoring ? (_, response) => response.writeHead(200, { 'content-length': 300_000 }).end(content) : handler,
    )
    await get(server)
    isWhole()
    expect(fits(server)).toBe(true)
    expect(files()).toEqual(['m.onnx'])
  })

  it('a part without a tag is used only where a hash tells', async () => {
    leave(content.subarray(0, 1000), { etag: '' })
    await using server = await TestServer.start(serve(content, { etag: '' }))
    await get(server, { sha256: undefined })
    expect(server.ranges).toEqual([undefined])
    rmSync(path)
    leave(content.subarray(0, 1000), { etag: '' })
    await get(server)
    expect(server.ranges).toEqual([undefined, 'bytes=1000-'])
    isWhole()
  })

  it('a wrong part is found out by the hash, and the whole fetched afresh', async () => {
    leave(Buffer.alloc(1000))
    await using server = await TestServer.start(serve(content))
    await get(server)
    isWhole()
    expect(server.ranges).toEqual(['bytes=1000-', undefined])
  })

  it('a part that is too long is dropped; a whole one needs no network', async () => {
    leave(Buffer.concat([content, content]))
    await using server = await TestServer.start(serve(content))
    await get(server)
    isWhole()
    expect(server.ranges).toEqual([undefined])
    rmSync(path)
    leave(content)
    await get(server)
    isWhole()
    expect(server.asked).toHaveLength(1)
  })

  it('a killed owner is inherited after a while, a living one is left alone', async () => {
    await using server = await TestServer.start(serve(content))
    const owner = '01234567-89ab-4cde-8f01-23456789abcd'
    leave(content.subarray(0, 1000), { owner })
    await get(server)
    expect(files()).toHaveLength(2)
    rmSync(path)
    leave(content.subarray(0, 1000), { owner, age: 60_000 })
    await get(server)
    expect(server.ranges).toEqual([undefined, 'bytes=1000-'])
    expect(files()).toEqual(['m.onnx'])
  })
})

describe('a server that misbehaves', () => {
  const wrong = Buffer.from(content)
  wrong[7] = (wrong[7] ?? 0) ^ 1
  const endless: Parameters<typeof TestServer.start>[0] = (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(content)) {}
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  it.each<[string, Parameters<typeof TestServer.start>[0], Partial<Download>, string, RegExp]>([
    ['another file', serve(wrong), {}, 'CHECKSUM_MISMATCH', /has SHA-256/],
    ['a shorter file', serve(content.subarray(1)), {}, 'CHECKSUM_MISMATCH', /has 299999 bytes, not 300000/],
    ['a longer file', serve(Buffer.concat([content, wrong])), {}, 'CHECKSUM_MISMATCH', /has 600000 bytes/],
    ['an endless body', endless, {}, 'CHECKSUM_MISMATCH', /more than 300000 bytes/],
    ['an endless body of unknown size', endless, { bytes: undefined }, 'DOWNLOAD_FAILED', /more than 1000000 bytes/],
    ['a size over the limit', serve(content), { bytes: undefined, limit: 9 }, 'DOWNLOAD_FAILED', /the limit is 9/],
    ['404', answer(404), {}, 'DOWNLOAD_FAILED', /answered 404/],
    ['401', answer(401), {}, 'DOWNLOAD_FAILED', /other credentials/],
    ['206 unasked', answer(206, { 'content-range': 'bytes 0-0/300000' }, 'x'), {}, 'DOWNLOAD_FAILED', /206/],
    ['a compressed body', answer(200, { 'content-encoding': 'gzip' }), {}, 'DOWNLOAD_FAILED', /encoded as gzip/],
    ['a circle', answer(302, { location: '/m.onnx' }), {}, 'DOWNLOAD_FAILED', /more than 10 times/],
    ['a redirect to a file', answer(302, { location: 'file:///etc/passwd' }), {}, 'DOWNLOAD_FAILED', /no web address/],
  ])('%s is refused, and nothing of it used', async (_, handler, more, code, message) => {
    await using server = await TestServer.start(handler)
    const failure = get(server, more)
    await expect(failure).rejects.toMatchObject({ code })
    await expect(failure).rejects.toThrow(message)
    expect(existsSync(path)).toBe(false)
    if (code === 'CHECKSUM_MISMATCH') expect(files()).toEqual([])
  })

  it('one that is not there is told as such at once', async () => {
    const server = await TestServer.start(serve(content))
    await server[Symbol.asyncDispose]()
    const failure = get(server)
    await expect(failure).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expect(failure).rejects.toThrow(/cannot be reached \(ECONNREFUSED\).*HTTPS_PROXY.*put it at/)
  })
})

describe('a redirect to another host', () => {
  it('is followed, with range and without credentials', async () => {
    await using store = await TestServer.start(serve(content))
    await using server = await TestServer.start(answer(302, { location: `${store.url}/blob?signature=s` }))
    leave(content.subarray(0, 1000))
    await get(server, { authorization: 'Bearer secret' })
    isWhole()
    expect(server.asked[0]?.headers).toMatchObject({ authorization: 'Bearer secret', range: 'bytes=1000-' })
    expect(store.asked[0]?.headers).toMatchObject({ range: 'bytes=1000-', 'if-range': '"v1"' })
    expect(store.asked[0]?.headers.authorization).toBeUndefined()
  })

  it('keeps credentials of the address out of redirects and messages', async () => {
    await using store = await TestServer.start(answer(404))
    await using server = await TestServer.start(answer(307, { location: `${store.url}/x` }))
    const url = `${server.url.replace('//', '//me:secret@')}/m.onnx?token=secret`
    const failure: Error = await get(server, { url }).catch((error) => error)
    expect(server.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`)
    expect(store.asked[0]?.headers.authorization).toBeUndefined()
    expect(failure.message).toMatch(/404/)
    expect(failure.message).not.toMatch(/secret/)
  })
})

describe('a proxy', () => {
  it('is used where the environment names it, and not where NO_PROXY does', async () => {
    await using server = await TestServer.start(serve(content))
    await using proxy = await TestServer.start(answer(500))
    const tunnels: (string | undefined)[] = []
    proxy.onConnect((request, socket) => {
      tunnels.push(request.url)
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(socket).pipe(upstream)
      })
      for (const end of [socket, upstream]) end.on('error', () => {})
    })
    vi.stubEnv('HTTP_PROXY', proxy.url)
    await get(server)
    isWhole()
    expect(tunnels).toEqual([new URL(server.url).host])
    rmSync(path)
    vi.stubEnv('NO_PROXY', '127.0.0.1')
    await get(server)
    isWhole()
    expect(tunnels).toHaveLength(1)
  })
})

describe('stopped by its signal', () => {
  it('before it starts, it asks nothing', async () => {
    await using server = await TestServer.start(serve(content))
    await expect(get(server, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(server.asked).toEqual([])
  })

  it('in the middle, it keeps what is there', async () => {
    await using server = await TestServer.start(inTurn(startOf(content, 5000), serve(content)))
    const controller = new AbortController()
    const stopped = get(server, {
      signal: controller.signal,
      onProgress: ({ done }) => done > 0 && controller.abort(),
      patience: { ...patience, idle: 60_000 },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    expect(existsSync(path)).toBe(false)
    await get(server)
    isWhole()
    expect(server.ranges[1]).toMatch(/^bytes=[1-9]\d*-$/)
  })
})

describe('the disk', () => {
  it('is asked for room before the body comes', async () => {
    await using server = await TestServer.start(serve(content))
    const failure = get(server, { freeSpace: async () => 100_000 })
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    await expect(failure).rejects.toThrow(/0\.3 MB are to come.*SESS_CACHE/)
    expect(files()).toEqual([])
  })

  it('without a place for the file is told, and nothing is asked of the network', async () => {
    await using server = await TestServer.start(serve(content))
    writeFileSync(join(folder, 'cache'), '')
    await expect(get(server)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    expect(server.asked).toEqual([])
  })
})
