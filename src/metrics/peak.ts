import { setImmediate as yieldToLoop } from 'node:timers/promises'

/** A pixel of a map and its value. */
export interface Peak {
  readonly x: number
  readonly y: number
  readonly value: number
}

/** Pixels between two turns of the event loop: under a millisecond. */
const TURN = 1 << 18

/**
 * The pixel of the largest value, the first in rows from the top where several have it. Null where none is above 0.
 * @param map row-major, values from 0
 * @param width pixels of a row
 */
export async function peakPixel(map: Float32Array, width: number): Promise<Peak | null> {
  let [at, value] = [-1, 0]
  for (let start = 0; start < map.length; start += TURN) {
    if (start > 0) await yieldToLoop()
    const end = Math.min(start + TURN, map.length)
    for (let i = start; i < end; i++) {
      const sample = map[i] ?? 0
      if (sample > value) [at, value] = [i, sample]
    }
  }
  return at < 0 ? null : { x: at % width, y: Math.floor(at / width), value }
}
