/** The formulas of the CAM methods as plain loops over one image's activations and gradient, C x cells, in double. */
type Grid = readonly (readonly number[])[]

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const relu = (value: number): number => Math.max(0, value)

/** `relu(sum_c w_c A_c)` cell by cell. */
function weighted(a: Grid, w: readonly number[]): readonly number[] {
  return (a[0] ?? []).map((_, p) => relu(sum(a.map((channel, c) => (w[c] ?? 0) * (channel[p] ?? 0)))))
}

/** `relu(sum_c f(A_c, g_c))` cell by cell. */
function elementwise(a: Grid, g: Grid, f: (a: number, g: number) => number): readonly number[] {
  return (a[0] ?? []).map((_, p) => relu(sum(a.map((channel, c) => f(channel[p] ?? 0, g[c]?.[p] ?? 0)))))
}

function plusPlusWeight(a: readonly number[], g: readonly number[]): number {
  const spread = sum(a.map((value, p) => value * (g[p] ?? 0) ** 3))
  const shares = g.map((slope) => {
    const denominator = 2 * slope ** 2 + spread
    return (slope ** 2 / ((denominator === 0 ? 1 : denominator) + 1e-7)) * relu(slope)
  })
  return sum(shares)
}

/** First principal direction by power iteration on the covariance. */
function eigen(a: Grid): readonly number[] {
  const centred = a.map((channel) => {
    const mean = sum(channel) / channel.length
    return channel.map((value) => value - mean)
  })
  const cells = centred[0]?.length ?? 0
  const project = (v: readonly number[]) =>
    Array.from({ length: cells }, (_, p) => sum(centred.map((channel, c) => (channel[p] ?? 0) * (v[c] ?? 0))))
  let v: readonly number[] = centred.map((_, c) => 1 + 0.1 * c)
  for (let i = 0; i < 3000; i++) {
    const u = project(v)
    const next = centred.map((channel) => sum(channel.map((value, p) => value * (u[p] ?? 0))))
    const length = Math.hypot(...next)
    v = next.map((value) => value / length)
  }
  const projection = project(v)
  const reference = Array.from({ length: cells }, (_, p) => sum(centred.map((channel) => channel[p] ?? 0)))
  const sign = Math.sign(sum(projection.map((value, p) => value * (reference[p] ?? 0))))
  return projection.map((value) => relu(sign * value))
}

export const plainCams: Readonly<Record<string, (a: Grid, g: Grid) => readonly number[]>> = {
  'grad-cam': (a, g) =>
    weighted(
      a,
      g.map((slopes) => sum(slopes) / slopes.length),
    ),
  'grad-cam++': (a, g) =>
    weighted(
      a,
      a.map((channel, c) => plusPlusWeight(channel, g[c] ?? [])),
    ),
  'xgrad-cam': (a, g) =>
    weighted(
      a,
      a.map((channel, c) => sum(channel.map((value, p) => value * (g[c]?.[p] ?? 0))) / (sum(channel) + 1e-7)),
    ),
  'hires-cam': (a, g) => elementwise(a, g, (value, slope) => value * slope),
  'layer-cam': (a, g) => elementwise(a, g, (value, slope) => value * relu(slope)),
  'eigen-cam': (a) => eigen(a),
}
