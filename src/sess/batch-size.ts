import type { Shapes } from '../onnx/shapes.ts'

/**
 * On a CPU a batch buys no speed (measured flat from 2 to 16 windows, for light and heavy models alike), only work for
 * every thread. Eight keep what is done once a batch small; more would only report progress and stop later.
 */
const fewest = 8
const mostBytes = 256 << 20
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

/** Windows of one forward pass where nothing is said: from the cores, bounded by what activations take. */
export function autoBatch(shapes: Shapes, threads: number): number {
  const fits = Math.floor(mostBytes / (tensorsAlive * largestTensor(shapes)))
  return Math.max(1, Math.min(Math.max(fewest, threads), fits))
}
