/** A plane of numbers, row-major. */
export interface Plane {
  readonly data: Float32Array
  readonly height: number
  readonly width: number
}

/**
 * NumPy's format v1.0, little-endian float32 in C order, shape `(height, width)`: header and samples, the samples
 * in the plane's own memory. Runs in browsers too. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function encodeNpy({ data, height, width }: Plane): readonly [header: Uint8Array, samples: Uint8Array] {
  if (data.length !== height * width) throw new RangeError(`${data.length} samples are not ${height} x ${width}`)
  const fields = `{'descr': '<f4', 'fortran_order': False, 'shape': (${height}, ${width}), }`
  const prefix = 10 // magic, version, length of what follows
  const length = Math.ceil((prefix + fields.length + 1) / 64) * 64
  const header = new Uint8Array(length).fill(0x20)
  header.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0])
  new DataView(header.buffer).setUint16(8, length - prefix, true)
  header.set(new TextEncoder().encode(fields), prefix)
  header[length - 1] = 0x0a
  return [header, littleEndian(data)]
}

function littleEndian(data: Float32Array): Uint8Array {
  const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  if (isLittle) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const swapped = new DataView(new ArrayBuffer(data.byteLength))
  for (const [i, value] of data.entries()) swapped.setFloat32(4 * i, value, true)
  return new Uint8Array(swapped.buffer)
}
