const mostSteps = 100

/**
 * k-means (Lloyd 1982) of `n` points, n x d: the cluster of each point after every step, until none changes. Seeded by
 * k-means++ (Arthur and Vassilvitskii 2007). Plain arrays and steps of a few milliseconds, for this runs beside an event
 * loop; a cluster that loses its points keeps its centre.
 */
export function* clusterPoints(points: Float32Array, n: number, k: number, seed: number): Generator<Int32Array> {
  const d = points.length / n
  const centres = seededCentres(points, n, k, uniform(seed))
  const clusters = new Int32Array(n).fill(-1)
  for (let step = 0; step < mostSteps; step++) {
    const changed = assign(points, centres, clusters, d)
    yield clusters
    if (!changed) return
    moveCentres(points, centres, clusters, d)
  }
}

/** Each next centre is a point, drawn by its squared distance to the nearest centre before it. */
function seededCentres(points: Float32Array, n: number, k: number, random: () => number): Float64Array {
  const d = points.length / n
  const centres = new Float64Array(k * d)
  const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY)
  let chosen = Math.floor(random() * n)
  for (let c = 0; c < k; c++) {
    for (let i = 0; i < d; i++) centres[c * d + i] = points[chosen * d + i] ?? 0
    let total = 0
    for (let p = 0; p < n; p++) {
      nearest[p] = Math.min(nearest[p] ?? 0, squaredDistance(points, p, centres, c, d))
      total += nearest[p] ?? 0
    }
    let left = random() * total
    chosen = 0
    while (chosen < n - 1 && left >= (nearest[chosen] ?? 0)) left -= nearest[chosen++] ?? 0
  }
  return centres
}

/** Gives each point its nearest centre, the first of several; says whether any changed. */
function assign(points: Float32Array, centres: Float64Array, clusters: Int32Array, d: number): boolean {
  let changed = false
  for (let p = 0; p < clusters.length; p++) {
    let [best, least] = [0, Number.POSITIVE_INFINITY]
    for (let c = 0; c < centres.length / d; c++) {
      const distance = squaredDistance(points, p, centres, c, d)
      if (distance < least) [best, least] = [c, distance]
    }
    changed ||= clusters[p] !== best
    clusters[p] = best
  }
  return changed
}

function moveCentres(points: Float32Array, centres: Float64Array, clusters: Int32Array, d: number): void {
  const k = centres.length / d
  const sums = new Float64Array(k * d)
  const counts = new Int32Array(k)
  for (const [p, c] of clusters.entries()) {
    counts[c] = (counts[c] ?? 0) + 1
    for (let i = 0; i < d; i++) sums[c * d + i] = (sums[c * d + i] ?? 0) + (points[p * d + i] ?? 0)
  }
  for (let c = 0; c < k; c++) {
    const count = counts[c] ?? 0
    if (count > 0) for (let i = 0; i < d; i++) centres[c * d + i] = (sums[c * d + i] ?? 0) / count
  }
}

function squaredDistance(points: Float32Array, p: number, centres: Float64Array, c: number, d: number): number {
  let sum = 0
  for (let i = 0; i < d; i++) {
    const difference = (points[p * d + i] ?? 0) - (centres[c * d + i] ?? 0)
    sum += difference * difference
  }
  return sum
}

/** Numbers in [0, 1) from a seed (Mulberry32 over its two halves). */
function uniform(seed: number): () => number {
  let state = (seed >>> 0) ^ Math.floor(seed / 2 ** 32)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
