import { SessError } from '../error.ts'
import type { Shapes } from '../onnx/shapes.ts'

/**
 * On a CPU a batch buys no speed (measured flat from 2 to 16 windows, for light and heavy models alike), only work for
 * every thread. Eight keep what is done once a batch small; more would only report progress and stop later.
 */
const fewest = 8
const mostBytes = 256 << 20
/** A GPU is only filled by many windows at once. Of its memory, weights, workspaces and other programs need a part. */
const onCuda = { windows: 64, shareOfMemory: 0.5 }
/** Input and output of a layer and one residual are alive at once. */
const tensorsAlive = 3

/** Bytes of the largest tensor that grows with the batch, for one window. */
function largestTensor(shapes: Shapes): number {
  let largest = 4
  for (const { dims } of shapes.values()) {
    if (dims.every((dim) => typeof dim === 'number')) continue
    const elements = dims.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : dim.batch), 1)
    largest = Math.max(largest, 4 * elements)
  }
  return largest
}

/** What a forward pass runs on, as far as it bounds the batch. */
export type BatchDevice =
  | { readonly type: 'cpu'; readonly threads: number }
  | { readonly type: 'cuda'; readonly memoryBytes: number }

/** Windows of one forward pass where nothing is said: from the device, bounded by what activations take. */
export function autoBatch(shapes: Shapes, device: BatchDevice): number {
  const isGpu = device.type === 'cuda'
  const wanted = isGpu ? onCuda.windows : Math.max(fewest, device.threads)
  const bytes = isGpu ? onCuda.shareOfMemory * device.memoryBytes : mostBytes
  const fits = Math.floor(bytes / (tensorsAlive * largestTensor(shapes)))
  return Math.max(1, Math.min(wanted, fits))
}

/**
 * What `run` gives for the largest batch, of `first` and its halves, that fits into memory.
 * @throws SessError `OUT_OF_MEMORY` with what was tried
 */
export async function inSmallerBatches<T>(first: number, run: (batch: number) => Promise<T>): Promise<T> {
  for (let batch = first; ; batch = Math.floor(batch / 2)) {
    try {
      return await run(batch)
    } catch (error) {
      if (!(error instanceof SessError && error.code === 'OUT_OF_MEMORY')) throw error
      if (batch > 1) continue
      const tried = first === 1 ? 'a batch of 1' : `batches from ${first} down to 1`
      throw new SessError('OUT_OF_MEMORY', `${error.message.replace(/\.?$/, '.')} Tried: ${tried}.`, { cause: error })
    }
  }
}
