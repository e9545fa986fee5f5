import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Raster } from './raster.ts'

/** Pixels to look at or to paint between two turns of the event loop: about a millisecond. */
const TURN = 1 << 18

interface Pen {
  /** Radius in pixels; a point below 1. */
  readonly radius: number
  /** Of red, green and blue alike. */
  readonly level: number
}

/**
 * Draws lines into a picture along the inner edge of what exceeds each threshold in its map: white in a dark border,
 * so that they are seen on every colour. No line runs along the picture's own edge.
 * @param picture of the map's size
 * @param map row-major
 * @param radius of the white line, in pixels
 */
export async function drawContours(
  picture: Raster,
  map: Float32Array,
  thresholds: readonly number[],
  radius: number,
): Promise<void> {
  const levels = await levelsOf(map, thresholds)
  await trace(picture, levels, { radius: radius + Math.max(1, radius / 2), level: 0 })
  await trace(picture, levels, { radius, level: 255 })
}

/** How many thresholds each value exceeds. */
async function levelsOf(map: Float32Array, thresholds: readonly number[]): Promise<Uint8Array> {
  const levels = new Uint8Array(map.length)
  for (const threshold of thresholds) {
    for (let start = 0; start < map.length; start += TURN) {
      await yieldToLoop()
      const end = Math.min(start + TURN, map.length)
      for (let i = start; i < end; i++) if ((map[i] ?? 0) > threshold) levels[i] = (levels[i] ?? 0) + 1
    }
  }
  return levels
}

async function trace({ data, width, height }: Raster, levels: Uint8Array, { radius, level }: Pen): Promise<void> {
  const spans = disc(radius)
  let work = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      work += 1
      if (work >= TURN) {
        work = 0
        await yieldToLoop()
      }
      const i = y * width + x
      const own = levels[i] ?? 0
      if (own === 0) continue
      const isEdge =
        (x > 0 && (levels[i - 1] ?? own) < own) ||
        (x < width - 1 && (levels[i + 1] ?? own) < own) ||
        (levels[i - width] ?? own) < own ||
        (levels[i + width] ?? own) < own
      if (!isEdge) continue
      for (const { dy, reach } of spans) {
        if (y + dy < 0 || y + dy >= height) continue
        const row = (y + dy) * width
        data.fill(level, 3 * (row + Math.max(0, x - reach)), 3 * (row + Math.min(width, x + reach + 1)))
        work += 2 * reach
      }
    }
  }
}

/** The rows of a disc around a pixel: `dy` from its centre, and pixels to either side. */
function disc(radius: number): readonly { readonly dy: number; readonly reach: number }[] {
  const side = Math.floor(radius)
  return Array.from({ length: 2 * side + 1 }, (_, i) => {
    const dy = i - side
    return { dy, reach: Math.floor(Math.sqrt(radius * radius - dy * dy)) }
  })
}
