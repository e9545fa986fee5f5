/**
 * Weights of bilinear interpolation with half-pixel centres and clamped edges: `to` rows of `from` weights. Positions
 * in integers, so that a sample that lies on a pixel reads that pixel alone.
 */
export function bilinearMatrix(from: number, to: number): readonly (readonly number[])[] {
  return Array.from({ length: to }, (_, i) => {
    const numerator = (2 * i + 1) * from - to
    const left = Math.floor(numerator / (2 * to))
    const fraction = (numerator - left * 2 * to) / (2 * to)
    const row = new Array<number>(from).fill(0)
    const add = (at: number, weight: number) => {
      const clamped = Math.min(Math.max(at, 0), from - 1)
      row[clamped] = (row[clamped] ?? 0) + weight
    }
    add(left, 1 - fraction)
    add(left + 1, fraction)
    return row
  })
}
