import type { z } from 'zod'
import { uselessOption } from '../error.ts'
import { field, isInteger, isNumber, oneOf } from '../field.ts'
import type { Masks } from './masks.ts'
import { type Copies, copiesOf, type Method } from './method.ts'

/** What a caller may change about the copies of a window that a method asks for, as options take it. */
export const settingFields = {
  /** Noisy copies of smoothgrad, steps of integrated-gradients. */
  samples: field<number>('a whole number from 1 to 10000', (v) => isInteger(v, 1, 10_000)),
  /** Channels that score-cam asks about: those of the largest variance. */
  topChannels: field<number>('a whole number from 1', (v) => isInteger(v, 1)),
  /** Groups of group-cam, and what makes one: channels in their order, or clusters of like maps. */
  groups: field<number>('a whole number from 1', (v) => isInteger(v, 1)),
  grouping: field<'consecutive' | 'k-means'>('consecutive or k-means', oneOf(['consecutive', 'k-means'])),
  /** Masks of rise, their cells along each axis, and the share of cells that a mask keeps. */
  masks: field<number>('a whole number from 1 to 100000', (v) => isInteger(v, 1, 100_000)),
  maskGrid: field<number>('a whole number from 1 to 1024', (v) => isInteger(v, 1, 1024)),
  keep: field<number>('a number above 0 and below 1', (v) => isNumber(v) && v > 0 && v < 1),
  /** Side and step of the square of occlusion, in window pixels. */
  square: field<number>('a whole number of pixels from 1', (v) => isInteger(v, 1)),
  stride: field<number>('a whole number of pixels from 1', (v) => isInteger(v, 1)),
}

type Settings = {
  readonly [K in keyof typeof settingFields]: NonNullable<z.output<(typeof settingFields)[K]>>
}

/** Those that a caller gives. */
export type CopySettings = { readonly [K in keyof Settings]?: Settings[K] | undefined }

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

const settings: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
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

const names = Object.keys(settings) as readonly (keyof Settings)[]

/** The settings among what a caller says. */
export function givenSettings(said: CopySettings): CopySettings {
  return Object.fromEntries(names.flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]]])))
}

/** Those of the given settings that a method has. */
export function settingsOf(method: Method, given: CopySettings): CopySettings {
  const copies = copiesOf(method)
  const has = names.filter((name) => changed(copies, name, given) !== undefined)
  return Object.fromEntries(has.map((name) => [name, given[name]]))
}

/** @throws SessError `OPTION_INVALID` for a setting that none of the methods has */
export function refuseUnusedSettings(given: CopySettings, methods: readonly Method[]): void {
  const used = new Set(methods.flatMap((method) => Object.keys(settingsOf(method, given))))
  const unused = names.find((name) => given[name] !== undefined && !used.has(name))
  if (unused === undefined) return
  const listed = methods.map(({ name }) => name).join(', ')
  throw uselessOption(unused, given[unused], `none of ${listed} has such a setting`, 'add a method that has')
}

/**
 * The copies of a window that a method asks for, with the caller's settings.
 * @throws SessError `OPTION_INVALID` for a setting that the method does not have
 */
export function copiesWith(method: Method, given: CopySettings): Copies {
  return names.reduce((copies, name) => {
    if (given[name] === undefined) return copies
    const next = changed(copies, name, given)
    if (next === undefined) {
      throw uselessOption(name, given[name], `${method.name} has no such setting`, 'take a method that has')
    }
    return next
  }, copiesOf(method))
}

function changed<K extends keyof Settings>(copies: Copies, name: K, given: CopySettings): Copies | undefined {
  const value: Settings[K] | undefined = given[name]
  return value === undefined ? undefined : settings[name](copies, value)
}
