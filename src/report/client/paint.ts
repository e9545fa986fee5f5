/** A map's values, each of a square of `factor` x `factor` pixels of the photo. */
export interface Grid {
  readonly values: Float32Array
  readonly height: number
  readonly width: number
}

/** How a map becomes colours. `table`: 256 x 3 bytes. */
interface Tint {
  readonly table: Uint8Array
  readonly range: readonly [low: number, high: number]
  readonly alpha: number
  readonly opacity: 'constant' | 'by-value'
}

/** Pixels, row-major, four bytes each. */
interface Picture {
  readonly data: Uint8ClampedArray
  readonly height: number
  readonly width: number
}

/** Row or column of a grid under a picture's pixel. The picture's `pixels` stand for `photo` pixels, a cell for `factor`. */
export function cellOf(pixel: number, pixels: number, photo: number, factor: number): number {
  return Math.floor(Math.min(photo - 1, ((pixel + 0.5) * photo) / pixels) / factor)
}

/**
 * The photo under the colours of its map in columns [from, to) of `out`, by the formula of the overlays that the command
 * line draws: v + a (c - v), rounded; a value's colour is the nearest of the table's, NaN has the lowest.
 */
export function paint(
  photo: Picture,
  out: Picture,
  { values, width: stride }: Grid,
  tint: Tint,
  place: { readonly rows: Int32Array; readonly columns: Int32Array; readonly from: number; readonly to: number },
): void {
  const { table, range, alpha, opacity } = tint
  const [low, high] = range
  const { width } = photo
  for (let y = 0; y < photo.height; y++) {
    const row = (place.rows[y] ?? 0) * stride
    for (let x = place.from; x < place.to; x++) {
      const value = values[row + (place.columns[x] ?? 0)] ?? 0
      const share = (value - low) / (high - low)
      const t = share > 0 ? Math.min(1, share) : 0
      const color = 3 * Math.floor(t * 255 + 0.5)
      const a = opacity === 'by-value' ? alpha * t : alpha
      const at = 4 * (y * width + x)
      for (let c = 0; c < 3; c++) {
        const v = photo.data[at + c] ?? 0
        out.data[at + c] = Math.floor(v + a * ((table[color + c] ?? 0) - v) + 0.5)
      }
    }
  }
}
