import { invalidOption } from './error.ts'
import type { ExplainedWindow, SaliencyMap } from './explanation.ts'
import type { Device } from './native.ts'
import { type MapObject, type ObjectsOptions, objectsOf } from './objects.ts'
import { bestSeen, energyShares } from './sess/contributions.ts'
import type { FusedWindows } from './sess/fused-windows.ts'
import type { Plan } from './sess/plan.ts'

/** A window and how much of the map is its own. */
export interface TopWindow extends ExplainedWindow {
  /**
   * Of the fused map's sum, before smoothing: each pixel's value is divided among the windows that made it (`mean`:
   * L / number of windows above theta; `average`: L / number of windows; `max`: all to the window with the largest L).
   * Null where the maps were too many to be kept: over 64 MiB without `keepMaps`.
   */
  readonly share: number | null
}

/** A part of the map that stands out by itself, and who saw it. */
export interface SalientObject extends MapObject {
  /**
   * The window whose own map, weighed by its score, is highest at the peak. Null where no window is above 0 there, and
   * where the maps were too many to be kept.
   */
  readonly window: ExplainedWindow | null
}

/** What is known of an explanation's windows. */
export interface Evidence {
  readonly plan: Plan
  readonly windows: readonly ExplainedWindow[]
  readonly fused: FusedWindows | undefined
}

/** The `count` windows with the largest shares, ties by index: those without any are none. By weight where shares are unknown. */
export async function topWindowsOf(
  device: Device,
  { plan, windows, fused }: Evidence,
  count: number,
): Promise<readonly TopWindow[]> {
  if (!(Number.isSafeInteger(count) && count >= 1)) throw invalidOption('n', count, 'a whole number from 1')
  if (fused === undefined) {
    const heaviest = windows.filter(({ kept }) => kept).sort((a, b) => b.weight - a.weight)
    return heaviest.slice(0, count).map((window) => ({ ...window, share: null }))
  }
  const shares = await energyShares(device, plan, fused)
  const order = [...shares.keys()].filter((k) => (shares[k] ?? 0) > 0)
  order.sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0) || a - b)
  return order.slice(0, count).flatMap((k) => {
    const window = windows[fused.kept[k] ?? -1]
    return window === undefined ? [] : [{ ...window, share: shares[k] ?? 0 }]
  })
}

/** @throws SessError `OPTION_INVALID` */
export async function salientObjects(
  device: Device,
  { plan, windows, fused }: Evidence,
  map: SaliencyMap,
  options: ObjectsOptions,
): Promise<readonly SalientObject[]> {
  const objects = await objectsOf(map, options)
  const peaks = objects.map(({ peak }) => peak)
  const seen = fused === undefined ? [] : await bestSeen(device, plan, fused, peaks)
  return objects.map((object, i) => ({ ...object, window: windows[fused?.kept[seen[i]?.k ?? -1] ?? -1] ?? null }))
}
