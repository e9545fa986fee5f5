import { endianness } from 'node:os'
import { writeAtomically } from './atomic.ts'
import { encodeNpy, type Plane } from './npy-format.ts'

export { encodeNpy, type Plane } from './npy-format.ts'

export async function writeNpy(
  path: string,
  plane: Plane,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await writeAtomically(path, encodeNpy(plane), options)
}

const longestHeader = 2 ** 16

/** Most bytes that a `.npy` file of a plane can have. */
export function npyBytes({ height, width }: { readonly height: number; readonly width: number }): number {
  return 12 + longestHeader + 4 * height * width
}

/** Reads what `encodeNpy` writes, also as NumPy writes it, in the bytes' own memory where it is aligned. Throws an `Error` that says what another file is instead. */
export function decodeNpy(bytes: Uint8Array): Plane {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error('is no .npy file')
  const version = file[6]
  const start = version === 1 ? 10 : 12
  if (version === undefined || version < 1 || version > 3 || file.length < start) {
    throw new Error(`has format version ${version ?? 'none'}, which is not read`)
  }
  const length = version === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8)
  const end = start + length
  if (length > longestHeader || end > file.length) throw new Error('has no whole header')
  const { height, width } = planeShape(file.toString('latin1', start, end))
  const samples = height * width
  if (file.length - end !== 4 * samples) {
    throw new Error(`holds ${file.length - end} bytes of samples where ${height} x ${width} needs ${4 * samples}`)
  }
  const first = file.byteOffset + end
  if (endianness() === 'LE' && first % 4 === 0) {
    return { data: new Float32Array(file.buffer, first, samples), height, width }
  }
  const body = new Uint8Array(file.subarray(end))
  if (endianness() !== 'LE') Buffer.from(body.buffer).swap32()
  return { data: new Float32Array(body.buffer), height, width }
}

function planeShape(header: string): { readonly height: number; readonly width: number } {
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  if (descr !== '<f4') throw new Error(`holds ${descr ?? 'no'} samples instead of <f4`)
  if (!/'fortran_order':\s*False/.test(header)) throw new Error('is not in C order')
  const shape = /'shape':\s*\((\d{1,9}),\s*(\d{1,9}),?\s*\)/.exec(header)
  if (shape === null) throw new Error('has no two dimensions')
  return { height: Number(shape[1]), width: Number(shape[2]) }
}
