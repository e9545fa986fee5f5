import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { throwIfAborted } from '../io/abort.ts'

/**
 * SHA-256 of a file in hexadecimal. Streamed, so that memory does not grow with the file.
 * @throws SessError `ABORTED`; the system's own error where the file cannot be read
 */
export async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  throwIfAborted(signal)
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
      hash.update(chunk)
    }
  } catch (error) {
    throwIfAborted(signal)
    throw error
  }
  return hash.digest('hex')
}

/** SHA-256 of parts in memory as one, the event loop let go after each mebibyte. */
export async function sha256OfBytes(parts: readonly Uint8Array[], signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const piece = 1 << 20
  for (const part of parts) {
    for (let start = 0; start < part.length; start += piece) {
      if (start > 0) await yieldToLoop()
      throwIfAborted(signal)
      hash.update(part.subarray(start, start + piece))
    }
  }
  return hash.digest('hex')
}
