import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { invalidOption } from '../error.ts'
import { writeAtomically } from '../io/atomic.ts'
import { pageOf, type ReportContent } from './page.ts'

/** One HTML file that shows maps over their photo, opens offline and asks for nothing. Made when it is asked for, once. */
export class Report {
  readonly #make: (signal?: AbortSignal) => Promise<ReportContent>
  #page: readonly Uint8Array[] | undefined

  constructor(make: (signal?: AbortSignal) => Promise<ReportContent>) {
    this.#make = make
  }

  /**
   * Writes `.html`, whole or not at all.
   * @throws SessError `OPTION_INVALID`, `OUTPUT_UNWRITABLE`, `ABORTED`
   */
  async toFile(path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (extname(path).toLowerCase() !== '.html') throw invalidOption('The report', path, 'a name that ends in .html')
    const { signal } = options
    // Made inside, so that a place that cannot be written is told first
    const write = async (temporary: string) => writeFile(temporary, await this.#parts(signal), options)
    await writeAtomically(path, write, options)
  }

  /** @throws SessError `ABORTED` */
  async toBuffer(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Buffer> {
    return Buffer.concat(await this.#parts(options.signal))
  }

  /** Only a page that is finished is kept: another call's signal is not this one's. */
  async #parts(signal: AbortSignal | undefined): Promise<readonly Uint8Array[]> {
    this.#page ??= await pageOf(await this.#make(signal), signal)
    return this.#page
  }
}
