import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** A server on 127.0.0.1 that remembers what it was asked, and may behave as badly as a test wants. */
export class TestServer {
  readonly asked: Asked[] = []
  readonly url: string
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(handler: Handler): Promise<TestServer> {
    const http = createServer()
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const server = new TestServer(http)
    http.on('request', (request, response) => {
      server.asked.push({ path: request.url ?? '', headers: request.headers })
      response.on('error', () => {})
      void handler(request, response)
    })
    return server
  }

  get ranges(): readonly (string | undefined)[] {
    return this.asked.map(({ headers }) => headers.range)
  }

  /** Breaks every connection. */
  cut(): void {
    this.#server.closeAllConnections()
  }

  onConnect(tunnel: (request: IncomingMessage, socket: Socket) => void): void {
    this.#server.on('connect', (request, socket) => tunnel(request, socket as Socket))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Serves `content` as a good server does: ranges, If-Range, a strong ETag. */
export function serve(content: Uint8Array, options: { readonly etag?: string } = {}): Handler {
  const { etag = '"v1"' } = options
  return (request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
    const condition = request.headers['if-range']
    const start = Number(range?.[1] ?? 0)
    if (etag !== '') response.setHeader('etag', etag)
    if (range === null || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { 'content-length': content.length }).end(content)
    } else if (start >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end()
    } else {
      const rest = content.subarray(start)
      response
        .writeHead(206, {
          'content-length': rest.length,
          'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
        })
        .end(rest)
    }
  }
}

/** The first requests by these handlers in turn, all further ones by the last. */
export function inTurn(...handlers: readonly Handler[]): Handler {
  let next = 0
  return (request, response) => handlers[Math.min(next++, handlers.length - 1)]?.(request, response)
}

/** Announces the whole of `content` and sends the first `sent` bytes; the test says when the connection breaks. */
export function startOf(content: Uint8Array, sent: number): Handler {
  return (_request, response) => {
    response.writeHead(200, { etag: '"v1"', 'content-length': content.length })
    response.write(content.subarray(0, sent))
  }
}

export function answer(status: number, headers: Record<string, string> = {}, body = ''): Handler {
  return (_request, response) => response.writeHead(status, headers).end(body)
}
