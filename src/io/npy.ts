import { endianness } from 'node:os'
import { writeAtomically } from './atomic.ts'

/** A plane of numbers, row-major. */
export interface Plane {
  readonly data: Float32Array
  readonly height: number
  readonly width: number
}

/**
 * NumPy's format v1.0, little-endian float32 in C order, shape `(height, width)`: header and samples, the samples
 * in the plane's own memory. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function encodeNpy({ data, height, width }: Plane): readonly [header: Uint8Array, samples: Uint8Array] {
  if (data.length !== height * width) throw new RangeError(`${data.length} samples are not ${height} x ${width}`)
  const fields = `{'descr': '<f4', 'fortran_order': False, 'shape': (${height}, ${width}), }`
  const prefix = 10 // magic, version, length of what follows
  const length = Math.ceil((prefix + fields.length + 1) / 64) * 64
  const header = Buffer.alloc(length, ' ')
  header.write('\x93NUMPY\x01\x00', 'latin1')
  header.writeUInt16LE(length - prefix, 8)
  header.write(fields, prefix, 'latin1')
  header.write('\n', length - 1)
  const samples = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return [header, endianness() === 'LE' ? samples : Buffer.from(samples).swap32()]
}

export async function writeNpy(
  path: string,
  plane: Plane,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await writeAtomically(path, encodeNpy(plane), options)
}
