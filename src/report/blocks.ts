import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
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

  get all(): readonly Block[] {
    return this.#blocks
  }

  bytes(bytes: Uint8Array): BlockId {
    const id = `block-${this.#blocks.length}`
    this.#blocks.push({ id, bytes })
    return id
  }

  /** Float32 values, compressed without loss. */
  async floats(values: Float32Array): Promise<BlockId> {
    return this.bytes(await promisify(deflate)(await planesOf(values)))
  }
}
