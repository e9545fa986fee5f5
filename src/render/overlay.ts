import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { invalidOption } from '../error.ts'
import { type ColormapName, colormaps, colormapTable } from './colormaps.ts'

/** How a map's values become colours over the photo. */
export interface ColourOptions {
  /** Default `inferno`. */
  readonly colormap?: ColormapName | undefined
  /** Opacity of the colours, 0 to 1; where `opacity` is `by-value`, that of the highest value. Default 0.6. */
  readonly alpha?: number | undefined
  /**
   * `constant` (default): more salient is lighter, whatever the photo. `by-value`: colours fade out with the value,
   * so the photo stays clear where nothing was seen, but the lightest colours drown in a white background.
   */
  readonly opacity?: 'by-value' | 'constant' | undefined
  /** Values at both ends of the colours. `auto` (default): 0 and the map's maximum. Values beyond an end have its colour. */
  readonly range?: readonly [low: number, high: number] | 'auto' | undefined
}

export interface OverlayOptions extends ColourOptions {
  /**
   * Colour bar, class, probability, method, model and layer below the picture (default). False: the bare picture, of
   * the photo's own size.
   */
  readonly caption?: boolean | undefined
  /** Quantiles of the map, each from 0 to below 1, along which lines are drawn. Default: none. */
  readonly contours?: readonly number[] | undefined
  /** The photo itself to the left. Default: false. */
  readonly beside?: boolean | undefined
}

/** What the native op `overlay` takes. */
interface OverlayArguments {
  readonly colors: Uint8Array
  readonly low: number
  readonly high: number
  readonly alpha: number
  readonly opacity: 'by-value' | 'constant'
}

/** More lines hide what they are drawn on. */
const mostContours = 8

export const overlayDefaults = { colormap: 'inferno', alpha: 0.6, opacity: 'constant', range: 'auto' } as const

/** Throws `OPTION_INVALID` where a map could not be drawn, before minutes of work for it. */
export function checkColours(options: ColourOptions): void {
  const { alpha = overlayDefaults.alpha, opacity = overlayDefaults.opacity, range = overlayDefaults.range } = options
  const { colormap = overlayDefaults.colormap } = options
  if (!colormaps.includes(colormap)) throw invalidOption('colormap', colormap, `one of ${colormaps.join(', ')}`)
  if (!(typeof alpha === 'number' && alpha >= 0 && alpha <= 1)) {
    throw invalidOption('alpha', alpha, 'a number from 0 to 1')
  }
  if (opacity !== 'by-value' && opacity !== 'constant') {
    throw invalidOption('opacity', opacity, 'by-value or constant')
  }
  if (range !== 'auto' && !isRange(range)) throw invalidOption('range', range, 'auto, or two ascending numbers')
}

/** Throws `OPTION_INVALID`, as `checkColours`. */
export function checkOverlay(options: OverlayOptions): void {
  checkColours(options)
  const { contours = [], caption = true, beside = false } = options
  const isQuantile = (q: unknown) => typeof q === 'number' && q >= 0 && q < 1
  if (!(Array.isArray(contours) && contours.length <= mostContours && contours.every(isQuantile))) {
    throw invalidOption('contours', contours, `at most ${mostContours} quantiles from 0 to below 1, such as [0.5, 0.9]`)
  }
  if (typeof caption !== 'boolean') throw invalidOption('caption', caption, 'true or false')
  if (typeof beside !== 'boolean') throw invalidOption('beside', beside, 'true or false')
}

/** Whether the ends ascend as the floats that maps consist of. */
export function isRange(range: unknown): range is readonly [number, number] {
  if (!(Array.isArray(range) && range.length === 2)) return false
  const [low, high] = range.map((end) => (typeof end === 'number' ? Math.fround(end) : Number.NaN))
  return low !== undefined && high !== undefined && Number.isFinite(high - low) && low < high
}

/**
 * Values at both ends of the colours, `peak` being the map's maximum. The low end stays at 0 unless it is asked for: a
 * faint map is not stretched from its own minimum.
 */
export function shownRange({ range = overlayDefaults.range }: ColourOptions, peak: number): readonly [number, number] {
  return range === 'auto' ? [0, peak > 0 ? peak : 1] : range
}

/** `peak`: the map's maximum. */
export function overlayArguments(options: ColourOptions, peak: number): OverlayArguments {
  checkColours(options)
  const { alpha = overlayDefaults.alpha, opacity = overlayDefaults.opacity } = options
  const [low, high] = shownRange(options, peak)
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
