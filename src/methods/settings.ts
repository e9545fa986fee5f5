import { invalidOption } from '../error.ts'
import type { Masks } from './masks.ts'
import { type Copies, copiesOf, type Method } from './method.ts'

/** What a caller may change about the copies of a window that a method asks for. */
export interface CopySettings {
  /** Noisy copies of smoothgrad, steps of integrated-gradients. */
  readonly samples?: number | undefined
  /** Channels of score-cam, those of the largest variance. */
  readonly topChannels?: number | undefined
  /** Groups of group-cam. */
  readonly groups?: number | undefined
  readonly grouping?: 'consecutive' | 'k-means' | undefined
  /** Masks of rise. */
  readonly masks?: number | undefined
  /** Cells of a mask of rise along each axis. */
  readonly maskGrid?: number | undefined
  /** Share of the cells that a mask of rise keeps. */
  readonly keep?: number | undefined
  /** Side of the square of occlusion, pixels. */
  readonly square?: number | undefined
  /** Its step, pixels. */
  readonly stride?: number | undefined
}

/** Undefined where the copies have no such setting. */
type Setting<T> = (copies: Copies, value: T) => Copies | undefined

const ofMasks =
  <K extends Masks['kind'], T>(kind: K, change: (masks: Extract<Masks, { kind: K }>, value: T) => Masks): Setting<T> =>
  (copies, value) => {
    if (copies.kind !== 'masked' || !isOf(copies.masks, kind)) return undefined
    return { ...copies, masks: change(copies.masks, value) }
  }

function isOf<K extends Masks['kind']>(masks: Masks, kind: K): masks is Extract<Masks, { kind: K }> {
  return masks.kind === kind
}

const settings: { readonly [K in keyof CopySettings]-?: Setting<NonNullable<CopySettings[K]>> } = {
  samples: (copies, count) => (copies.kind === 'noise' || copies.kind === 'path' ? { ...copies, count } : undefined),
  topChannels: ofMasks('activations', (masks, top) => ({ ...masks, top })),
  groups: ofMasks('groups', (masks, count) => ({ ...masks, count })),
  grouping: ofMasks('groups', (masks, grouping) => ({ ...masks, grouping })),
  masks: ofMasks('random', (masks, count) => ({ ...masks, count })),
  maskGrid: ofMasks('random', (masks, grid) => ({ ...masks, grid })),
  keep: ofMasks('random', (masks, keep) => ({ ...masks, keep })),
  square: ofMasks('squares', (masks, side) => ({ ...masks, side })),
  stride: ofMasks('squares', (masks, stride) => ({ ...masks, stride })),
}

/**
 * The copies of a window that a method asks for, with the caller's settings.
 * @throws SessError `OPTION_INVALID` for a setting that the method does not have
 */
export function copiesWith(method: Method, given: CopySettings): Copies {
  const names = Object.keys(settings) as readonly (keyof CopySettings)[]
  return names.reduce((copies, name) => withSetting(method, copies, name, given[name]), copiesOf(method))
}

function withSetting<K extends keyof CopySettings>(method: Method, copies: Copies, name: K, value: CopySettings[K]) {
  if (value === undefined) return copies
  const changed = (settings[name] as Setting<CopySettings[K]>)(copies, value)
  if (changed === undefined) throw invalidOption(name, value, `to be left out: ${method.name} has no such setting`)
  return changed
}
