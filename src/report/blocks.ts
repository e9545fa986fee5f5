import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { throwIfAborted } from '../io/abort.ts'
import type { BlockId } from './document.ts'
import { planesOf } from './planes.ts'

/** Bytes that stand in a page beside its document. */
export interface Block {
  readonly id: BlockId
  readonly bytes: Uint8Array
}

/** The blocks of a page in the making. */
export class Blocks {
  readonly #blocks: Block[] = []
  readonly #signal: AbortSignal | undefined

  /** Each block that is added looks at the signal. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  get all(): readonly Block[] {
    return this.#blocks
  }

  /** @throws SessError `ABORTED` */
  bytes(bytes: Uint8Array): BlockId {
    throwIfAborted(this.#signal)
    const id = `block-${this.#blocks.length}`
    this.#blocks.push({ id, bytes })
    return id
  }

  /** Float32 values, compressed without loss. */
  async floats(values: Float32Array): Promise<BlockId> {
    throwIfAborted(this.#signal)
    return this.bytes(await promisify(deflate)(await planesOf(values)))
  }
}
