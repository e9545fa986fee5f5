import { kmeans } from 'ml-kmeans'

/**
 * Clusters each row's channels by their weighted maps `weights_c A_c` (k-means, seeded): the group of each channel,
 * rows x C. `activations`: rows x C x cells, `weights`: rows x C.
 */
export function groupChannels(
  activations: Float32Array,
  weights: Float32Array,
  {
    rows,
    channels,
    count,
    seed,
  }: {
    readonly rows: number
    readonly channels: number
    readonly count: number
    readonly seed: number
  },
): Int32Array {
  const cells = activations.length / (rows * channels)
  const groups = new Int32Array(rows * channels)
  for (let row = 0; row < rows; row++) {
    const maps = Array.from({ length: channels }, (_, c) => {
      const channel = row * channels + c
      const weight = weights[channel] ?? 0
      return Array.from(activations.subarray(channel * cells, (channel + 1) * cells), (value) => weight * value)
    })
    if (!maps.every((map) => map.every(Number.isFinite))) continue // the window is dropped for its map
    groups.set(kmeans(maps, count, { seed }).clusters, row * channels)
  }
  return groups
}
