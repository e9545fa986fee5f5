import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** The file may belong to another process by now. */
export class TakenOver extends Error {}

/**
 * The part of a download that is there, in a file beside its final place. Each download owns its file by a name that
 * nobody else has, and takes over what another left behind by renaming it, which only one can do.
 *
 * Why not a lock: a lock has to be taken from an owner that was killed, and whether it was cannot be known (process
 * ids mean nothing across containers and network folders). A wrong guess then blocks for ever or mixes two downloads.
 * Here a wrong guess costs bytes: two processes at once download twice, and the later rename replaces a file with its
 * like.
 */
export class Partial {
  readonly #final: string
  #path: string
  #etag: string
  #size: number
  #file: FileHandle | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #alive = Date.now()

  private constructor(final: string, found: { readonly size: number; readonly etag: string }) {
    this.#final = final
    this.#path = nameOf(final, randomUUID(), found.etag)
    this.#etag = found.etag
    this.#size = found.size
  }

  /** Takes over the largest part that a download of `final` left, or begins a new one. */
  static async claim(final: string, options: { readonly reuse: 'none' | 'tagged' | 'any' }): Promise<Partial> {
    if (options.reuse !== 'none') {
      for (const found of await abandoned(final)) {
        if (found.size === 0 || (found.etag === '' && options.reuse === 'tagged')) continue
        const partial = new Partial(final, found)
        if (await partial.#take(found.path)) return partial
      }
    }
    return new Partial(final, { size: 0, etag: '' })
  }

  get path(): string {
    return this.#path
  }

  get size(): number {
    return this.#size
  }

  /** The strong ETag of what is there; empty where the server gave none. */
  get etag(): string {
    return this.#etag
  }

  /** Starts again from nothing, with a body of this tag. The tag is kept in the name, where a kill cannot part them. */
  async restart(etag: string): Promise<void> {
    await this.#close()
    await rm(this.#path, { force: true })
    this.#path = nameOf(this.#final, randomUUID(), etag)
    this.#etag = etag.length > LONGEST_ETAG ? '' : etag
    this.#size = 0
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#file ??= await this.#open()
    if (Date.now() - this.#alive > ABANDONED_MS / 2) await this.#stillOwned()
    await this.#file.appendFile(chunk)
    this.#size += chunk.length
  }

  /** Bytes of the file itself: they differ from `size` where two wrote to it after all. */
  async measure(): Promise<number> {
    this.#file ??= await this.#open()
    return (await this.#file.stat()).size
  }

  /** Moves the whole file to its final place. */
  async finish(): Promise<void> {
    this.#file ??= await this.#open()
    await this.#file.sync()
    await this.#close()
    try {
      await rename(this.#path, this.#final)
    } catch (error) {
      // Windows does not replace a file that another process has open; there it is the same file already.
      const there = await stat(this.#final).catch(() => undefined)
      if (process.platform !== 'win32' || there?.size !== this.#size) throw error
      await rm(this.#path, { force: true })
    }
    for (const { path } of await abandoned(this.#final)) await rm(path, { force: true })
  }

  /** Leaves what is there to the next download. */
  async release(): Promise<void> {
    await this.#close()
    if (this.#size === 0) await this.discard()
    else await rename(this.#path, nameOf(this.#final, IDLE, this.#etag)).catch(() => {})
  }

  async discard(): Promise<void> {
    await this.#close()
    await rm(this.#path, { force: true }).catch(() => {})
    this.#size = 0
  }

  /** Touched first: under its new name it must not look abandoned for a moment. */
  async #take(path: string): Promise<boolean> {
    try {
      await utimes(path, new Date(), new Date())
      await rename(path, this.#path)
      this.#file = await this.#open()
      this.#size = (await this.#file.stat()).size
      return true
    } catch {
      await this.#close()
      return false
    }
  }

  /** Where this process was held up for long (a machine that slept), another may have taken the file over. */
  async #stillOwned(): Promise<void> {
    await utimes(this.#path, new Date(), new Date()).catch((cause) => {
      throw new TakenOver('another process took the download over', { cause })
    })
    this.#alive = Date.now()
  }

  /** While the file is open it is touched every few seconds, whether anything comes or not. */
  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, 'a')
    this.#alive = Date.now()
    this.#heartbeat = setInterval(() => {
      if (Date.now() - this.#alive > ABANDONED_MS / 2) return
      this.#alive = Date.now()
      file.utimes(new Date(), new Date()).catch(() => {})
    }, HEARTBEAT_MS).unref()
    return file
  }

  async #close(): Promise<void> {
    clearInterval(this.#heartbeat)
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

const IDLE = 'idle'
const LONGEST_ETAG = 120 // a file name has 255 bytes
const HEARTBEAT_MS = 4000
/** Several heartbeats, as a busy machine misses some; a download that was killed is resumed only after so long. */
const ABANDONED_MS = 30_000

function nameOf(final: string, owner: string, etag: string): string {
  const tag = etag.length > LONGEST_ETAG ? '' : Buffer.from(etag, 'latin1').toString('base64url')
  return join(dirname(final), `${partialStem(final)}.${owner}.${tag}.part`)
}

/** Short, so that stem, owner and tag fit into one name. */
function partialStem(final: string): string {
  return basename(final).slice(0, 40)
}

/** Parts without a living owner, the largest first. */
async function abandoned(final: string) {
  const folder = dirname(final)
  const start = `${partialStem(final)}.`
  const found: { readonly path: string; readonly size: number; readonly etag: string }[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const match = /^(idle|[0-9a-f-]{36})\.([A-Za-z0-9_-]*)\.part$/.exec(
      name.startsWith(start) ? name.slice(start.length) : '',
    )
    if (match === null) continue
    const path = join(folder, name)
    const info = await stat(path).catch(() => undefined)
    if (info === undefined || (match[1] !== IDLE && Date.now() - info.mtimeMs < ABANDONED_MS)) continue
    found.push({ path, size: info.size, etag: Buffer.from(match[2] ?? '', 'base64url').toString('latin1') })
  }
  return found.sort((a, b) => b.size - a.size)
}
