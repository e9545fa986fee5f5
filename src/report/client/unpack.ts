import type { BlockId, ReportDocument } from '../document.ts'

/** What stands in the page's elements of data. */
export function readDocument(): ReportDocument {
  return JSON.parse(textOf('document'))
}

export function readBytes(id: BlockId): Uint8Array<ArrayBuffer> {
  const binary = atob(textOf(id))
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/** Float32 values as `planes.ts` packed them. */
export async function readFloats(id: BlockId): Promise<Float32Array<ArrayBuffer>> {
  const inflated = new Blob([readBytes(id)]).stream().pipeThrough(new DecompressionStream('deflate'))
  return fromPlanes(new Uint8Array(await new Response(inflated).arrayBuffer()))
}

function fromPlanes(planes: Uint8Array): Float32Array<ArrayBuffer> {
  const length = planes.length / 4
  const bits = new Uint32Array(length)
  const byte = (plane: number, i: number) => planes[plane * length + i] ?? 0
  let before = 0
  for (let i = 0; i < length; i++) {
    before = (before + (byte(0, i) | (byte(1, i) << 8) | (byte(2, i) << 16) | (byte(3, i) << 24))) >>> 0
    bits[i] = before
  }
  return new Float32Array(bits.buffer)
}

function textOf(id: string): string {
  return document.getElementById(id)?.textContent ?? ''
}
