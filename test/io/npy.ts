/** Reads the one kind of `.npy` that tests need: little-endian, C order; float32, float64 or int64 (as numbers). */
export function decodeNpy(bytes: Uint8Array): { shape: number[]; data: Float32Array | Float64Array; descr: string } {
  const buffer = Buffer.from(bytes)
  if (buffer.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error('no .npy file')
  const start = buffer[6] === 1 ? 10 : 12
  const length = buffer[6] === 1 ? buffer.readUInt16LE(8) : buffer.readUInt32LE(8)
  const header = buffer.toString('latin1', start, start + length)
  const descr = /'descr': '([^']+)'/.exec(header)?.[1] ?? ''
  if (!header.includes("'fortran_order': False")) throw new Error('not in C order')
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((s) => s.trim())
    .map(Number)
  const body = new Uint8Array(buffer.subarray(start + length)).buffer
  switch (descr) {
    case '<f4':
      return { shape, descr, data: new Float32Array(body) }
    case '<f8':
      return { shape, descr, data: new Float64Array(body) }
    case '<i8':
      return { shape, descr, data: Float64Array.from(new BigInt64Array(body), Number) }
    default:
      throw new Error(`no reader for ${descr}`)
  }
}
