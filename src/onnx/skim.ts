import type { FileHandle } from 'node:fs/promises'
import { readFully } from './read-fully.ts'

/** Raw data up to this many bytes stays in the graph: shapes, axes and bounds are read from it. */
export const INLINE_BYTES = 1024

/** Stands for the model's own file in the locations that `skim` writes; no file name holds this character. */
export const OWN_FILE = '\0'

type Message = 'model' | 'graph' | 'node' | 'attribute' | 'tensor'

/** Field numbers of onnx.proto that lead to tensors. */
const INNER: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor' },
  tensor: {},
}
const RAW_DATA = 9
const EXTERNAL_DATA = 13
const DATA_LOCATION = 14

/**
 * An ONNX file without its large weights: raw data over 1 KB is not even read, but replaced by external data that
 * says where in the file it lies. The result decodes as a ModelProto. Throws `RangeError` for what is no protobuf.
 */
export async function skim(file: FileHandle, size: number): Promise<Uint8Array> {
  return Buffer.concat(await new Skimmer(file, size).message('model', 0, size))
}

/** Bytes read ahead: most fields between two weights fit, and little of the weights is read for nothing. */
const WINDOW = 4096

class Skimmer {
  readonly #file: FileHandle
  readonly #size: number
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.#size = size
  }

  /** The message between two places of the file, as pieces. */
  async message(kind: Message, start: number, end: number): Promise<readonly Uint8Array[]> {
    const pieces: Uint8Array[] = []
    let copied = start
    let at = start
    while (at < end) {
      const field = await this.#field(at, end)
      const inner = field.length > INLINE_BYTES ? INNER[kind][field.number] : undefined
      const isWeight = kind === 'tensor' && field.number === RAW_DATA && field.length > INLINE_BYTES
      if (isWeight || inner !== undefined) {
        pieces.push(await this.#bytes(copied, at))
        if (inner === undefined) pieces.push(reference(field.data, field.length))
        else pieces.push(...lengthDelimited(field.number, await this.message(inner, field.data, field.end)))
        copied = field.end
      }
      at = field.end
    }
    pieces.push(await this.#bytes(copied, end))
    return pieces
  }

  async #field(at: number, end: number): Promise<Field> {
    const head = await this.#head(at)
    const tag = varint(head, 0)
    const number = Math.floor(tag.value / 8)
    const after = at + tag.next
    const wire = tag.value % 8
    let data = after
    let length = 0
    if (wire === 0) length = varint(head, tag.next).next - tag.next
    else if (wire === 1) length = 8
    else if (wire === 5) length = 4
    else if (wire === 2) {
      const delimiter = varint(head, tag.next)
      data = at + delimiter.next
      length = delimiter.value
    } else throw new RangeError(`wire type ${wire} at byte ${at}`)
    if (number === 0 || data + length > end) throw new RangeError(`a field that does not fit at byte ${at}`)
    return { number, data, length: wire === 2 ? length : 0, end: data + length }
  }

  /** Enough bytes from `at` for a tag and a length. */
  async #head(at: number): Promise<Buffer> {
    const needed = Math.min(20, this.#size - at)
    if (at < this.#start || at + needed > this.#start + this.#window.length) {
      this.#window = await readFully(this.#file, at, Math.min(WINDOW, this.#size - at))
      this.#start = at
    }
    return this.#window.subarray(at - this.#start, at - this.#start + needed)
  }

  async #bytes(start: number, end: number): Promise<Buffer> {
    const from = start - this.#start
    if (from >= 0 && end <= this.#start + this.#window.length) return this.#window.subarray(from, end - this.#start)
    return await readFully(this.#file, start, end - start)
  }
}

interface Field {
  readonly number: number
  /** Where the data begins and ends in the file. */
  readonly data: number
  readonly end: number
  /** Length of length-delimited data, 0 for numbers. */
  readonly length: number
}

function varint(bytes: Buffer, at: number): { readonly value: number; readonly next: number } {
  let value = 0
  let place = 1
  for (let i = at; i < Math.min(bytes.length, at + 10); i++) {
    const byte = bytes[i] ?? 0
    value += (byte & 127) * place
    if (byte < 128) return { value, next: i + 1 }
    place *= 128
  }
  throw new RangeError('a number that does not end')
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

function lengthDelimited(field: number, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return [encodeVarint(field * 8 + 2), encodeVarint(length), ...pieces]
}

/** TensorProto's fields that say: `length` bytes at `offset` of the model's own file. */
function reference(offset: number, length: number): Buffer {
  const entries = { location: OWN_FILE, offset: String(offset), length: String(length) }
  const pieces = Object.entries(entries).flatMap(([key, value]) => {
    const text = [...lengthDelimited(1, [Buffer.from(key)]), ...lengthDelimited(2, [Buffer.from(value)])]
    return lengthDelimited(EXTERNAL_DATA, text)
  })
  return Buffer.concat([...pieces, encodeVarint(DATA_LOCATION * 8), encodeVarint(1)])
}
