import type { IncomingHttpHeaders } from 'node:http'
import { getProxyForUrl } from 'proxy-from-env'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'

/** Milliseconds without a sign of life after which a server counts as gone. */
export interface Patience {
  readonly connect: number
  /** Until the headers, and between two parts of the body. */
  readonly idle: number
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: AsyncIterable<Uint8Array>
  /** Gives up on the body. */
  readonly discard: () => void
}

/** What no further attempt would change. */
export class Refusal extends Error {}

const MOST_REDIRECTS = 10

/** Connections of one download, through the proxies that the environment names. */
export class Connections {
  readonly #agents = new Map<string, Dispatcher>()
  readonly #patience: Patience

  constructor(patience: Patience) {
    this.#patience = patience
  }

  /**
   * GET, with redirects followed. `authorization`, or the credentials in the address, go to the address itself and to
   * no redirect: wherever that leads, it has been signed already or is none of its business.
   * @throws Refusal for redirects that are not followed; undici's errors otherwise
   */
  async get(
    url: URL,
    options: {
      readonly headers: Readonly<Record<string, string>>
      readonly authorization?: string | undefined
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<Answer> {
    const authorization = options.authorization ?? basicAuthorization(url)
    let place = withoutCredentials(url)
    for (let redirects = 0; ; redirects++) {
      const { statusCode, headers, body } = await request(place.href, {
        dispatcher: this.#agentFor(place),
        headers: redirects === 0 && authorization ? { ...options.headers, authorization } : options.headers,
        headersTimeout: this.#patience.idle,
        bodyTimeout: this.#patience.idle,
        signal: options.signal ?? null,
      })
      // A connection may break before anybody reads; whoever reads then is told, and an unheard event would end the process.
      body.on('error', () => {})
      const discard = () => void body.destroy()
      const location = [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined
      if (typeof location !== 'string') return { status: statusCode, headers, body, discard }
      discard()
      if (redirects === MOST_REDIRECTS) throw new Refusal(`it redirects more than ${MOST_REDIRECTS} times`)
      place = redirected(place, location)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()))
    this.#agents.clear()
  }

  #agentFor(url: URL): Dispatcher {
    const proxy = getProxyForUrl(url.href)
    const known = this.#agents.get(proxy)
    if (known !== undefined) return known
    const connect = { timeout: this.#patience.connect }
    const agent =
      proxy === ''
        ? new Agent({ connect })
        : new ProxyAgent({ uri: proxyAddress(proxy), proxyTls: connect, requestTls: connect })
    this.#agents.set(proxy, agent)
    return agent
  }
}

/** An address fit for messages: no credentials, and no query, which may hold a signature. */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`
}

function proxyAddress(proxy: string): string {
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href
  throw new Refusal('the proxy that the environment names is no http or https address')
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? withoutCredentials(new URL(location, from)) : undefined
  if (to === undefined || !/^https?:$/.test(to.protocol)) throw new Refusal('it redirects to what is no web address')
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new Refusal(`it redirects from https to ${shownAddress(to)}, which is not encrypted`)
  }
  return to
}

function withoutCredentials(url: URL): URL {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare
}

function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(text).toString('base64')}`
}
