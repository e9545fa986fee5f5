import { writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { invalidOption } from '../error.ts'
import { writeAtomically } from '../io/atomic.ts'
import { pageOf, type ReportContent } from './page.ts'

/** One HTML file that shows maps over their photo, opens offline and asks for nothing. Made when it is first asked for, once. */
export class Report {
  readonly #make: () => Promise<ReportContent>
  #page: Promise<readonly Uint8Array[]> | undefined

  constructor(make: () => Promise<ReportContent>) {
    this.#make = make
  }

  /**
   * Writes `.html`, whole or not at all.
   * @throws SessError `OPTION_INVALID`, `OUTPUT_UNWRITABLE`, `ABORTED`
   */
  async toFile(path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (extname(path).toLowerCase() !== '.html') throw invalidOption('The report', path, 'a name that ends in .html')
    // Made inside, so that a place that cannot be written is told first
    const write = async (temporary: string) => writeFile(temporary, await this.#parts(), options)
    await writeAtomically(path, write, options)
  }

  async toBuffer(): Promise<Buffer> {
    return Buffer.concat(await this.#parts())
  }

  async #parts(): Promise<readonly Uint8Array[]> {
    this.#page ??= this.#make().then(pageOf)
    try {
      return await this.#page
    } catch (error) {
      this.#page = undefined // it may go better next time
      throw error
    }
  }
}
