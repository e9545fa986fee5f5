import { inflateSync } from 'node:zlib'
import type { ReportDocument, ReportMap } from '../../src/report/document.ts'

/** What stands in a page, by plain means. */
export function readPage(html: string) {
  const block = (id: string) => {
    const text = new RegExp(`<script type="[a-z/]+" id="${id}">([^<]*)</script>`).exec(html)?.[1]
    if (text === undefined) throw new Error(`no block ${id}`)
    return text
  }
  const bytes = (id: string) => Buffer.from(block(id), 'base64')
  const document: ReportDocument = JSON.parse(block('document'))
  return { document, bytes, floats: (id: string) => unpacked(inflateSync(bytes(id))) }
}

/** Byte planes of differences, added up again. */
export function unpacked(planes: Uint8Array): Float32Array {
  const length = planes.length / 4
  const values = new DataView(new ArrayBuffer(planes.length))
  let bits = 0n
  for (let i = 0; i < length; i++) {
    for (const plane of [0, 1, 2, 3]) bits += BigInt(planes[plane * length + i] ?? 0) << BigInt(8 * plane)
    bits %= 1n << 32n
    values.setUint32(4 * i, Number(bits), true)
  }
  return new Float32Array(values.buffer)
}

export function mapsOf(document: ReportDocument): readonly ReportMap[] {
  return document.maps.filter((map) => map.kind === 'map')
}

/** What a group of facts says of something. */
export function factOf({ groups }: Pick<ReportDocument, 'groups'>, title: string, name: string): string | undefined {
  return groups.find((group) => group.title === title)?.facts.find((fact) => fact.name === name)?.value
}
