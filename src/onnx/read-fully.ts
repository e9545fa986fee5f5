import type { FileHandle } from 'node:fs/promises'

/** `length` bytes of the file from `start` on, however many reads that takes. Throws `RangeError` at an early end. */
export async function readFully(file: FileHandle, start: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.alloc(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, start + done)
    if (bytesRead === 0) throw new RangeError('the file became shorter')
    done += bytesRead
  }
  return bytes
}
