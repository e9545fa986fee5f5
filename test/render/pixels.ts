import type { Sharp } from 'sharp'

/** A drawn picture, pixel by pixel. */
export interface Pixels {
  readonly width: number
  readonly height: number
  at(x: number, y: number): readonly [number, number, number]
}

export async function pixelsOf(picture: Sharp): Promise<Pixels> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const sample = (i: number) => data[i] ?? -1
  return {
    width,
    height,
    at: (x, y) => {
      const i = 3 * (y * width + x)
      return [sample(i), sample(i + 1), sample(i + 2)]
    },
  }
}

/** The smallest rectangle around all that is not white; undefined where there is nothing. */
export function inkOf({ width, height, at }: Pixels) {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (at(x, y).every((sample) => sample === 255)) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  }
  return right < 0 ? undefined : { left, top, right, bottom }
}
