import { mkdir, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { sha256Of } from './checksum.ts'
import {
  Answered,
  answered,
  failed,
  isOffline,
  megabytes,
  mismatch,
  reasonOf,
  unwritable,
} from './download-failures.ts'
import { type Answer, Connections, type Patience, Refusal } from './http.ts'
import { Partial, TakenOver } from './partial.ts'

export interface DownloadProgress {
  /** Bytes that are there; never falls. */
  readonly done: number
  readonly total: number
}

export interface Download {
  /** For messages: what is being downloaded. */
  readonly name: string
  readonly url: string
  /** Where the whole and checked file goes. */
  readonly path: string
  /** The size that the file must have. */
  readonly bytes?: number | undefined
  readonly sha256?: string | undefined
  /** The most that is taken of a file whose size is not stated. */
  readonly limit: number
  /** Value of the header; it goes to the host of `url` only. */
  readonly authorization?: string | undefined
  /** `afresh`: what is left of an earlier download is not used. */
  readonly start?: 'resume' | 'afresh'
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  readonly patience?: Patience & {
    /** Attempts after one that broke, and the pause before the first of them; each further pause is twice as long. */
    readonly retries: number
    readonly pause: number
  }
  /** Free bytes of a folder. */
  readonly freeSpace?: (folder: string) => Promise<number>
}

const defaultPatience = { connect: 15_000, idle: 30_000, retries: 4, pause: 500 }
/** Progress between two breaks after which the count of attempts starts again. */
const WORTH_GOING_ON = 1 << 20
const SPARE_BYTES = 16 << 20

/** A break that a further attempt may mend. */
class Break extends Error {}

/**
 * Downloads to `path`, through a file beside it that is checked and then renamed: `path` is whole or not there. What
 * a break leaves is resumed, in this call or a later one.
 * @throws SessError `DOWNLOAD_FAILED`, `CHECKSUM_MISMATCH` (size or hash), `OUTPUT_UNWRITABLE`, `ABORTED`
 */
export async function download(wanted: Download): Promise<void> {
  const { path, signal, start = 'resume' } = wanted
  throwIfAborted(signal)
  await mkdir(dirname(path), { recursive: true }).catch((cause) => {
    throw unwritable(wanted, cause)
  })
  // Without a hash to check the whole by, only a tag tells that two parts belong together.
  const reuse = start === 'afresh' ? 'none' : wanted.sha256 === undefined ? 'tagged' : 'any'
  const partial = await Partial.claim(path, { reuse })
  const resumed = partial.size > 0
  try {
    await using connections = new Connections(wanted.patience ?? defaultPatience)
    await new Transfer(wanted, partial, connections).run()
    await check(wanted, partial)
    await partial.finish().catch((cause) => {
      throw unwritable(wanted, cause)
    })
  } catch (error) {
    const keep = signal?.aborted || (error instanceof SessError && error.code === 'DOWNLOAD_FAILED')
    await (keep ? partial.release() : partial.discard())
    throwIfAborted(signal)
    // What an earlier download left may be at fault: once more without it.
    if (resumed && error instanceof SessError && error.code === 'CHECKSUM_MISMATCH') {
      return await download({ ...wanted, start: 'afresh' })
    }
    throw error
  }
}

async function check(wanted: Download, partial: Partial): Promise<void> {
  const { bytes, sha256, signal } = wanted
  const size = await partial.measure().catch((cause) => {
    throw unwritable(wanted, cause)
  })
  const expected = bytes ?? partial.size
  if (size !== expected) throw mismatch(wanted, `has ${size} bytes, not ${expected}`)
  if (sha256 === undefined) return
  const digest = await sha256Of(partial.path, signal).catch((cause) => {
    throwIfAborted(signal)
    throw unwritable(wanted, cause)
  })
  if (digest !== sha256.toLowerCase()) throw mismatch(wanted, `has SHA-256 ${digest}, not ${sha256.toLowerCase()}`)
}

/** The attempts of one download. */
class Transfer {
  readonly #wanted: Download
  readonly #partial: Partial
  readonly #connections: Connections
  readonly #url: URL
  /** Whether the server is still asked for the rest only. */
  #ranges = true
  #done = 0

  constructor(wanted: Download, partial: Partial, connections: Connections) {
    this.#wanted = wanted
    this.#partial = partial
    this.#connections = connections
    this.#url = new URL(wanted.url)
  }

  async run(): Promise<void> {
    const { signal, patience = defaultPatience } = this.#wanted
    let breaks = 0
    for (;;) {
      const before = this.#partial.size
      try {
        return await this.#attempt()
      } catch (error) {
        throwIfAborted(signal)
        if (!(error instanceof Break)) throw error
        breaks = this.#partial.size - before >= WORTH_GOING_ON ? 1 : breaks + 1
        if (breaks > patience.retries || (isOffline(error.cause) && this.#partial.size === 0)) {
          throw failed(this.#wanted, error.message, error.cause)
        }
        await delay(patience.pause * 2 ** (breaks - 1), undefined, { ...(signal && { signal }) }).catch(() => {})
        throwIfAborted(signal)
      }
    }
  }

  async #attempt(): Promise<void> {
    const { bytes } = this.#wanted
    if (bytes !== undefined && this.#partial.size > bytes) await this.#partial.restart('')
    if (bytes !== undefined && this.#partial.size === bytes) return
    const offset = this.#ranges ? this.#partial.size : 0
    const answer = await this.#ask(offset)
    try {
      const complete = await this.#open(answer, offset)
      if (complete === 'again') {
        answer.discard()
        this.#ranges = false
        return await this.#attempt()
      }
      await this.#receive(answer, complete)
    } catch (error) {
      answer.discard()
      if (error instanceof SessError) throw error
      throw new Break(reasonOf(error), { cause: error })
    }
  }

  async #ask(offset: number): Promise<Answer> {
    const { authorization, signal } = this.#wanted
    const { etag } = this.#partial
    const headers = {
      // A compressed body has other sizes, and ranges of something else.
      'accept-encoding': 'identity',
      'user-agent': 'sess-saliency',
      ...(offset > 0 && { range: `bytes=${offset}-` }),
      ...(offset > 0 && etag !== '' && { 'if-range': etag }),
    }
    try {
      return await this.#connections.get(this.#url, { headers, authorization, signal })
    } catch (error) {
      if (error instanceof Refusal) throw failed(this.#wanted, error.message, error)
      throw new Break(reasonOf(error), { cause: error })
    }
  }

  /** The size of the whole as far as the answer tells, with the partial file ready for what comes. */
  async #open({ status, headers }: Answer, offset: number): Promise<number | undefined | 'again'> {
    const { bytes, limit } = this.#wanted
    if (status === 416 && offset > 0) return 'again'
    if (status === 408 || status === 429 || status >= 500) throw new Error(`the server answered ${status}`)
    if (status !== 200 && !(status === 206 && offset > 0)) {
      throw failed(this.#wanted, answered(status), new Answered(status))
    }
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      throw failed(this.#wanted, `the server sends it encoded as ${encoding}`)
    }
    let total: number | undefined
    const length = numberOf(headers['content-length'])
    if (status === 206) {
      const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(String(headers['content-range']))
      if (range === null || Number(range[1]) !== offset) return 'again'
      total = range[3] === '*' ? undefined : Number(range[3])
      if (total !== undefined && bytes !== undefined && total !== bytes) return 'again'
      if (length !== undefined && length !== Number(range[2]) - offset + 1) return 'again'
    } else {
      await this.#partial.restart(strongTag(headers.etag))
      total = length
    }
    const size = total ?? bytes
    if (bytes !== undefined && total !== undefined && total !== bytes) {
      throw mismatch(this.#wanted, `has ${total} bytes, not ${bytes}`)
    }
    if (size !== undefined && size > limit) throw failed(this.#wanted, `it has ${size} bytes; the limit is ${limit}`)
    await this.#checkSpace((size ?? 0) - this.#partial.size)
    return total
  }

  async #receive({ body }: Answer, total: number | undefined): Promise<void> {
    const { bytes, limit } = this.#wanted
    const most = bytes ?? total ?? limit
    this.#report(bytes ?? total)
    for await (const chunk of body) {
      const size = this.#partial.size + chunk.length
      if (size > most) {
        if (bytes === undefined) throw failed(this.#wanted, `it sends more than ${most} bytes`)
        throw mismatch(this.#wanted, `has more than ${bytes} bytes`)
      }
      await this.#partial.write(chunk).catch(async (cause) => {
        if (!(cause instanceof TakenOver)) throw unwritable(this.#wanted, cause)
        await this.#partial.restart('')
        throw cause
      })
      this.#report(bytes ?? total)
    }
    const { size } = this.#partial
    const whole = total ?? bytes ?? size
    if (size < whole) throw new Error(`the connection ended after ${size} of ${whole} bytes`)
    if (bytes === undefined && total === undefined) this.#report(size)
  }

  #report(total: number | undefined): void {
    this.#done = Math.max(this.#done, this.#partial.size)
    if (total !== undefined) this.#wanted.onProgress?.({ done: this.#done, total })
  }

  async #checkSpace(needed: number): Promise<void> {
    const { freeSpace = freeBytes, path } = this.#wanted
    const folder = dirname(path)
    const free = await freeSpace(folder).catch(() => Number.POSITIVE_INFINITY)
    if (free >= needed + SPARE_BYTES) return
    const why = `${megabytes(needed)} are to come, and ${folder} has ${megabytes(free)} left`
    throw unwritable(this.#wanted, new Error(why))
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Only a strong tag vouches for every byte, so that parts of two answers may be joined. */
function strongTag(etag: string | undefined): string {
  return etag !== undefined && /^"[\x21\x23-\x7e]*"$/.test(etag) ? etag : ''
}

function numberOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined
}
