import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { clusterPoints } from './k-means.ts'

/**
 * Clusters each row's channels by their weighted maps `weights_c A_c`: the group of each channel, rows x C. A row with a
 * map that is not finite has one group: its window is dropped for its map. `activations`: rows x C x cells, `weights`:
 * rows x C. The event loop gets its turn between steps; `stopped` is asked there, and ends the work.
 */
export async function groupChannels(
  activations: Float32Array,
  weights: Float32Array,
  sizes: { readonly rows: number; readonly channels: number; readonly count: number; readonly seed: number },
  stopped: () => boolean,
): Promise<Int32Array> {
  const { rows, channels, count, seed } = sizes
  const cells = activations.length / (rows * channels)
  const groups = new Int32Array(rows * channels)
  for (let row = 0; row < rows; row++) {
    const first = row * channels * cells
    const maps = activations
      .subarray(first, first + channels * cells)
      .map((value, i) => (weights[row * channels + Math.floor(i / cells)] ?? 0) * value)
    if (!maps.every(Number.isFinite)) continue
    for (const clusters of clusterPoints(maps, channels, count, seed)) {
      groups.set(clusters, row * channels)
      await yieldToLoop()
      if (stopped()) return groups
    }
  }
  return groups
}
