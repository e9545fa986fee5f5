import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { HeldClass } from './against.ts'
import { invalidOption, SessError } from './error.ts'
import type { ClassScore, ExplainedWindow, Explanation } from './explanation.ts'
import type { Photo } from './io/photo.ts'
import { methodByName } from './methods/index.ts'
import { peakPixel } from './metrics/peak.ts'
import { type Robustness, robustness } from './metrics/robustness.ts'
import type { Device, Size } from './native.ts'
import { type PatchPicture, type PatchSource, patchPictures, smallPhoto } from './render/patch-pictures.ts'
import type { Raster } from './render/raster.ts'
import type { ResolvedOptions } from './resolved-options.ts'
import type { EstimatedPlan } from './sess/plan.ts'

export interface PatchesOptions {
  /** Pictures of only so many windows of each scale, the heaviest. Default: of all. */
  readonly perScale?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The windows of one scale. */
export interface PatchScale {
  /** Length of the level's shorter side, pixels. */
  readonly scale: number
  /** How many the plan has. */
  readonly windows: number
  /** By falling weight, ties by index. */
  readonly pictures: readonly PatchPicture[]
}

/** Every window of one explanation as small pictures by scale, and what scores and weights say about it. Plain data. */
export interface Patches {
  readonly photo: Size
  /** The model's input, pixels. */
  readonly window: Size
  readonly model: string
  readonly method: string
  /** The method's name as papers write it. */
  readonly title: string
  readonly layer: string
  readonly target: ClassScore
  readonly against: readonly HeldClass[]
  readonly options: ResolvedOptions
  /** Every window of the plan, by index. */
  readonly windows: readonly ExplainedWindow[]
  readonly robustness: Robustness
  /** The photo as the windows are shown on it. */
  readonly small: Raster
  readonly scales: readonly PatchScale[]
}

/** @throws SessError `OPTION_INVALID` */
export function checkPatchesOptions({ perScale, signal }: PatchesOptions): void {
  if (perScale !== undefined && !(Number.isSafeInteger(perScale) && perScale >= 1)) {
    throw invalidOption('perScale', perScale, 'a whole number from 1')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalidOption('signal', signal, 'an AbortSignal')
}

/** How many windows of each scale are shown. */
export function shownCounts(
  { levels, windows }: Pick<EstimatedPlan, 'levels' | 'windows'>,
  { perScale = Number.POSITIVE_INFINITY }: Pick<PatchesOptions, 'perScale'>,
): readonly number[] {
  const counts = new Array<number>(levels.length).fill(0)
  for (const { level } of windows) counts[level] = Math.min(perScale, (counts[level] ?? 0) + 1)
  return counts
}

/** @throws SessError `OPTION_INVALID` for an explanation without SESS, or without the windows' maps; `ABORTED` */
export async function patchesOf(
  device: Device,
  photo: Photo,
  explanation: Explanation,
  { perScale, signal }: PatchesOptions,
): Promise<Patches> {
  const { map, model, method, layer, target, against, options, plan, windows, windowMaps, nonfinite } = explanation
  if (!plan.sess) {
    throw new SessError('OPTION_INVALID', 'The explanation is one without SESS: it has no windows to show.')
  }
  if (windowMaps === undefined) {
    throw new SessError('OPTION_INVALID', "The windows' maps were not kept: explain with keepMaps.")
  }
  const size = { height: photo.height, width: photo.width }
  const small = await smallPhoto(device, photo)
  const kept = windows.filter((window) => window.kept)
  const source: PatchSource = {
    maps: windowMaps,
    window: plan.window,
    rows: new Map(kept.map(({ index }, row) => [index, row])),
    nonfinite: new Set(nonfinite),
    photo: size,
    small,
  }
  const scales: PatchScale[] = []
  const byLevel = plan.scales.map((): ExplainedWindow[] => [])
  for (const window of windows) byLevel[window.level]?.push(window)
  for (const [level, scale] of plan.scales.entries()) {
    const ofLevel = byLevel[level] ?? []
    await yieldToLoop()
    const heaviest = [...ofLevel].sort((a, b) => b.weight - a.weight || a.index - b.index).slice(0, perScale)
    scales.push({ scale, windows: ofLevel.length, pictures: await patchPictures(heaviest, source, signal) })
  }
  return {
    photo: size,
    window: plan.window,
    ...{ model, method, title: methodByName(method).title, layer, target, against, options, windows },
    robustness: await robustness(plan.scales, windows, await peakPixel(map.data, map.width)),
    small,
    scales,
  }
}
