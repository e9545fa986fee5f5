import { SessError } from '../error.ts'
import { shownAddress } from './http.ts'

/** What was to be downloaded, for messages. */
interface Wanted {
  readonly name: string
  readonly url: string
  /** Where the file goes. */
  readonly path: string
}

/** Cause of a `DOWNLOAD_FAILED` that the server's answer is the reason for. */
export class Answered extends Error {
  readonly status: number

  constructor(status: number) {
    super(answered(status))
    this.status = status
  }
}

/** No answer, or one that is no file, or none in time. */
export function failed(wanted: Wanted, why: string, cause?: unknown): SessError {
  const { name, url, path } = wanted
  const advice = isOffline(cause)
    ? `Check the network, HTTPS_PROXY and NO_PROXY; or fetch the file elsewhere and put it at ${path}.`
    : `Try again later (what is there is kept), or put the file at ${path} yourself.`
  const message = `${name} cannot be downloaded from ${shownAddress(new URL(url))}: ${why}. ${advice}`
  return new SessError('DOWNLOAD_FAILED', message, { cause })
}

/** What came is not what was stated. */
export function mismatch({ name, url }: Wanted, what: string): SessError {
  return new SessError(
    'CHECKSUM_MISMATCH',
    `${name}: what ${shownAddress(new URL(url))} sends ${what}, as was stated; it is not used. ` +
      'Try again later; if it stays so, the file there has been replaced.',
  )
}

/** The disk refuses. */
export function unwritable({ name, path }: Wanted, cause: unknown): SessError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SessError(
    'OUTPUT_UNWRITABLE',
    `${name} cannot be kept at ${path} (${why}). Make room, or name another cache folder with SESS_CACHE.`,
    { cause },
  )
}

/** What a failed connection was, in words. */
export function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'the server cannot be reached in time'
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'the server does not answer'
    case 'UND_ERR_BODY_TIMEOUT':
      return 'the server stopped sending'
  }
  if (isOffline(error)) return `the server cannot be reached (${codeOf(error)})`
  const message = error instanceof Error ? error.message : String(error)
  return codeOf(error) === 'UND_ERR_SOCKET' ? `the connection broke (${message})` : message
}

/** What a server's status means. */
export function answered(status: number): string {
  if (status === 401 || status === 403) return `the server answered ${status}: it wants other credentials`
  return `the server answered ${status}${status === 404 || status === 410 ? ': it is not there' : ''}`
}

/** Whether no server could be reached at all. */
export function isOffline(error: unknown): boolean {
  return OFFLINE.has(codeOf(error))
}

const OFFLINE: ReadonlySet<unknown> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
])

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}
