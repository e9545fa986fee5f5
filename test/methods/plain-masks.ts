/** The pieces of the perturbation methods as the semantics write them, in double. Images are 3 x h x w. */

export interface Frame {
  readonly height: number
  readonly width: number
}

/** `up()`: bilinear at half-pixel centres. */
export function up(grid: readonly number[], from: Frame, to: Frame): readonly number[] {
  const at = (y: number, x: number) => grid[y * from.width + x] ?? Number.NaN
  const [rows, columns] = [axis(from.height, to.height), axis(from.width, to.width)]
  return rows.flatMap(({ first, second, fraction }) =>
    columns.map((column) => {
      const top = at(first, column.first) + column.fraction * (at(first, column.second) - at(first, column.first))
      const bottom = at(second, column.first) + column.fraction * (at(second, column.second) - at(second, column.first))
      return top + fraction * (bottom - top)
    }),
  )
}

function axis(from: number, to: number) {
  const clamp = (i: number) => Math.min(from - 1, Math.max(0, i))
  return Array.from({ length: to }, (_, i) => {
    const position = ((2 * i + 1) * from - to) / (2 * to)
    const left = Math.floor(position)
    return { first: clamp(left), second: clamp(left + 1), fraction: position - left }
  })
}

/** Min-max; zeros where flat. */
export function norm(map: readonly number[]): readonly number[] {
  const [low, high] = [Math.min(...map), Math.max(...map)]
  return map.map((value) => (high > low ? (value - low) / (high - low) : 0))
}

/** Gaussian of `size` taps over each channel, reflect-101. */
export function blur(
  image: readonly number[],
  { height, width }: Frame,
  size: number,
  sigma: number,
): readonly number[] {
  const reach = (size - 1) / 2
  const taps = Array.from({ length: size }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)))
  const total = taps.reduce((sum, tap) => sum + tap, 0)
  const reflect = (i: number, n: number): number => {
    const period = Math.max(1, 2 * (n - 1))
    const j = ((i % period) + period) % period
    return j < n ? j : period - j
  }
  const along = (values: readonly number[], isRow: boolean) =>
    values.map((_, i) => {
      const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width]
      return taps.reduce((sum, tap, k) => {
        const [row, column] = isRow ? [y, reflect(x + k - reach, width)] : [reflect(y + k - reach, height), x]
        return sum + (tap / total) * (values[(c * height + row) * width + column] ?? Number.NaN)
      }, 0)
    })
  return along(along(image, true), false)
}

/** x * m + background * (1 - m) for each colour. */
export function masked(image: readonly number[], mask: readonly number[], background?: readonly number[]) {
  return image.map((value, i) => {
    const m = mask[i % mask.length] ?? Number.NaN
    return value * m + (background?.[i] ?? 0) * (1 - m)
  })
}

export function softmax(logits: readonly number[]): readonly number[] {
  const top = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - top))
  const total = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / total)
}

export function sumOf(maps: readonly (readonly number[])[], weights: readonly number[]): readonly number[] {
  return (maps[0] ?? []).map((_, p) => maps.reduce((sum, map, k) => sum + (weights[k] ?? 0) * (map[p] ?? 0), 0))
}

export const relu = (map: readonly number[]): readonly number[] => map.map((value) => Math.max(0, value))
