import { invalidOption } from '../error.ts'
import type { Masks, MaskWeight } from '../methods/masks.ts'
import type { Copies, NoisyCopies, PathCopies } from '../methods/method.ts'
import type { Size } from '../native.ts'
import { positions } from './geometry.ts'

/** The masks of every window of one run. `count`: the most that one window has for one target. */
export type MaskSet =
  | { readonly kind: 'activations'; readonly count: number; readonly top: number }
  | {
      readonly kind: 'groups'
      readonly count: number
      readonly channels: number
      readonly grouping: 'consecutive' | 'k-means'
    }
  | { readonly kind: 'ablations'; readonly count: number }
  | { readonly kind: 'random'; readonly count: number; readonly grid: number; readonly keep: number }
  /** `origins`: y, x of each square in the window. */
  | {
      readonly kind: 'squares'
      readonly count: number
      readonly side: number
      readonly stride: number
      readonly origins: Int32Array
    }

/** On what a window is asked again, besides itself, fitted to a model. */
export type PlannedCopies =
  | { readonly kind: 'none' }
  | NoisyCopies
  | PathCopies
  | { readonly kind: 'masked'; readonly set: MaskSet; readonly weight: MaskWeight }

/** What masks are fitted to. */
interface MaskedModel {
  readonly window: Size
  /** Of the target layer; 0 for a method that reads none. */
  readonly channels: number
}

const mostGroups = 32

/**
 * Fits a method's copies to a model.
 * @throws SessError `OPTION_INVALID`: more groups or channels than the layer has, a grid or a square larger than the window
 */
export function planCopies(copies: Copies, model: MaskedModel): PlannedCopies {
  if (copies.kind !== 'masked') return copies
  return { kind: 'masked', set: maskSet(copies.masks, model), weight: copies.weight }
}

function maskSet(masks: Masks, { window, channels }: MaskedModel): MaskSet {
  switch (masks.kind) {
    case 'activations': {
      const { top = channels } = masks
      refuseAbove('topChannels', top, channels, `the layer's channels`)
      return { kind: 'activations', count: channels, top }
    }
    case 'groups': {
      const { count = Math.min(mostGroups, channels), grouping } = masks
      refuseAbove('groups', count, channels, `the layer's channels`)
      return { kind: 'groups', count: groupCount(count, channels, grouping), channels, grouping }
    }
    case 'ablations':
      return { kind: 'ablations', count: channels }
    case 'random':
      refuseAbove('maskGrid', masks.grid, shorterSide(window), `the window's shorter side`)
      return masks
    case 'squares':
      return squares(masks, window)
  }
}

/** Equal runs of `ceil(channels / count)` may be fewer than asked for. */
function groupCount(count: number, channels: number, grouping: 'consecutive' | 'k-means'): number {
  return grouping === 'k-means' ? count : Math.ceil(channels / Math.ceil(channels / count))
}

function squares({ side, stride }: Extract<Masks, { kind: 'squares' }>, window: Size): MaskSet {
  const shorter = shorterSide(window)
  const chosen = side ?? Math.max(1, Math.round(shorter / 7))
  refuseAbove('square', chosen, shorter, `the window's shorter side`)
  const step = stride ?? Math.max(1, Math.floor(chosen / 2))
  if (step > chosen)
    throw invalidOption('stride', step, `at most the square's ${chosen}: more would leave pixels unseen`)
  const columns = positions(window.width, chosen, step)
  const origins = positions(window.height, chosen, step).flatMap((y) => columns.flatMap((x) => [y, x]))
  return { kind: 'squares', count: origins.length / 2, side: chosen, stride: step, origins: Int32Array.from(origins) }
}

function shorterSide({ height, width }: Size): number {
  return Math.min(height, width)
}

function refuseAbove(option: string, value: number, most: number, what: string): void {
  if (value > most) throw invalidOption(option, value, `at most ${what}, ${most}`)
}

/** Forward passes of one window, at most: the window itself gives the score, the copies its map. */
export function passesOf(copies: PlannedCopies, targets: number): number {
  switch (copies.kind) {
    case 'none':
      return 1
    case 'noise':
    case 'path':
      return 1 + copies.count
    case 'masked':
      return 1 + maskedPasses(copies.set, targets)
  }
}

/** Those of them that run only the model's head, the part behind the target layer. */
export function headPassesOf(copies: PlannedCopies): number {
  return copies.kind === 'masked' && copies.set.kind === 'ablations' ? copies.set.count : 0
}

function maskedPasses(set: MaskSet, targets: number): number {
  if (set.kind === 'activations') return set.top
  return set.kind === 'groups' ? targets * set.count + 1 : set.count
}
