import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { invalidOption } from '../error.ts'
import { type ColormapName, colormaps, colormapTable } from './colormaps.ts'

export interface OverlayOptions {
  /** Default `inferno`. */
  readonly colormap?: ColormapName | undefined
  /** Opacity of the colours, 0 to 1; where `opacity` is `by-value`, that of the highest value. Default 0.6. */
  readonly alpha?: number | undefined
  /**
   * `constant` (default): more salient is lighter, whatever the photo. `by-value`: colours fade out with the value,
   * so the photo stays clear where nothing was seen, but the lightest colours drown in a white background.
   */
  readonly opacity?: 'by-value' | 'constant' | undefined
  /** Values at both ends of the colours. `auto` (default): 0 and the map's maximum. */
  readonly range?: readonly [low: number, high: number] | 'auto' | undefined
}

/** What the native op `overlay` takes. */
export interface OverlayArguments {
  readonly colors: Uint8Array
  readonly low: number
  readonly high: number
  readonly alpha: number
  readonly opacity: 'by-value' | 'constant'
}

export const overlayDefaults = { colormap: 'inferno', alpha: 0.6, opacity: 'constant', range: 'auto' } as const

/** Throws `OPTION_INVALID` where an overlay could not be drawn, before minutes of work for it. */
export function checkOverlay(options: OverlayOptions): void {
  const { alpha = overlayDefaults.alpha, opacity = overlayDefaults.opacity, range = overlayDefaults.range } = options
  const { colormap = overlayDefaults.colormap } = options
  if (!colormaps.includes(colormap)) throw invalidOption('colormap', colormap, `one of ${colormaps.join(', ')}`)
  if (!(typeof alpha === 'number' && alpha >= 0 && alpha <= 1)) {
    throw invalidOption('alpha', alpha, 'a number from 0 to 1')
  }
  if (opacity !== 'by-value' && opacity !== 'constant') {
    throw invalidOption('opacity', opacity, 'by-value or constant')
  }
  if (range === 'auto') return
  const ascends = Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] < range[1]
  if (!ascends) throw invalidOption('range', range, 'auto, or two ascending numbers')
}

/** `peak`: the map's maximum. The low end stays at 0 unless it is asked for: a faint map is not stretched from its own minimum. */
export function overlayArguments(options: OverlayOptions, peak: number): OverlayArguments {
  checkOverlay(options)
  const { range = overlayDefaults.range, alpha = overlayDefaults.alpha, opacity = overlayDefaults.opacity } = options
  const [low, high] = range === 'auto' ? [0, peak > 0 ? peak : 1] : range
  return { colors: colormapTable(options.colormap ?? overlayDefaults.colormap), low, high, alpha, opacity }
}

/** Samples between two turns of the event loop: well under a millisecond. */
const TURN = 1 << 18

/** The maximum of a map, 0 where it is empty; the event loop is never held for long. */
export async function peakOf(map: Float32Array): Promise<number> {
  let peak = 0
  for (let start = 0; start < map.length; start += TURN) {
    if (start > 0) await yieldToLoop()
    const end = Math.min(start + TURN, map.length)
    // By index: iterating a typed array takes ten times as long.
    for (let i = start; i < end; i++) {
      const value = map[i] as number
      if (value > peak) peak = value
    }
  }
  return peak
}
