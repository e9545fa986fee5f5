import type { Rect } from '../native.ts'
import type { MapDifference } from './map-difference.ts'

/**
 * One thing that was compared with what the bundle says of it. `noted` is told and no failure: what may well differ on
 * another machine.
 */
export type Check =
  | { readonly name: string; readonly status: 'same'; readonly detail: string }
  | { readonly name: string; readonly status: 'changed'; readonly detail: string }
  | { readonly name: string; readonly status: 'missing'; readonly detail: string }
  | { readonly name: string; readonly status: 'noted'; readonly detail: string }

/** A window whose probability is another than the bundle's. */
export interface WindowDifference {
  /** Its place in the plan. */
  readonly index: number
  readonly level: number
  /** Its origin in the level's pixels. */
  readonly y: number
  readonly x: number
  /** In the photo's pixels. */
  readonly box: Rect
  readonly recorded: number
  readonly found: number
}

/** What `verify` found. */
export interface Verification {
  /** The bundle's folder, as it was named. */
  readonly bundle: string
  /** No check is `changed` or `missing`. */
  readonly agrees: boolean
  /** In the order in which they were made. */
  readonly checks: readonly Check[]
  /** The bundle's map against the one computed again; undefined where it could not be, or has another size. */
  readonly map: MapDifference | undefined
  /** The three windows whose probability differs most, where any differs by more than 1e-4. */
  readonly windows: readonly WindowDifference[]
}

export const same = (name: string, detail: string): Check => ({ name, status: 'same', detail })
export const changed = (name: string, detail: string): Check => ({ name, status: 'changed', detail })
export const missing = (name: string, detail: string): Check => ({ name, status: 'missing', detail })
export const noted = (name: string, detail: string): Check => ({ name, status: 'noted', detail })
