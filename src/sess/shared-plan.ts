import type { Size } from '../native.ts'
import type { Plan } from './plan.ts'

/** Several plans for one photo as one: a window that some of them share runs once. */
interface SharedPlan {
  readonly plan: Plan
  /** For each of the plans, where each of its windows stands in the shared one; ascending. */
  readonly places: readonly Int32Array[]
}

interface Place {
  readonly level: number
  readonly y: number
  readonly x: number
}

/**
 * @param base of the base view alone; its window is the shared plan's first
 * @param others with the same image, window, batch and resampling
 * @param passes forward passes of one window
 */
export function sharePlans(base: Plan, others: readonly Plan[], passes: number): SharedPlan {
  const sizes = distinctSizes(others)
  const places = others.map((plan) => placesIn(sizes, plan))
  const first: Place = { level: 0, y: 0, x: 0 }
  const distinct = new Map([first, ...places.flat()].map((place) => [keyOf(place), place]))
  const windows = [...distinct.values()]
    .sort((a, b) => a.level - b.level || a.y - b.y || a.x - b.x)
    .map((place, index) => ({ index, ...place }))
  const indices = new Map(windows.map((window) => [keyOf(window), window.index]))
  const shared = {
    ...base,
    sess: others.length > 0,
    scales: [...new Set(others.flatMap(({ scales }) => scales))].sort((a, b) => a - b),
    levels: [base.window, ...sizes],
    windows,
    baseWindow: 0,
    forwards: windows.length * passes,
  }
  return {
    plan: shared,
    places: [[first], ...places].map((some) => Int32Array.from(some, (place) => indices.get(keyOf(place)) ?? 0)),
  }
}

/** Sizes of all levels but the base view's, the smallest first. */
function distinctSizes(plans: readonly Plan[]): readonly Size[] {
  const sizes = plans.flatMap(({ levels, windows, baseWindow }) => {
    const ofBase = baseWindow === null ? undefined : windows[baseWindow]?.level
    return levels.filter((_, level) => level !== ofBase)
  })
  return [...new Map(sizes.map((size) => [sizeKey(size), size])).values()].sort(
    (a, b) => a.height - b.height || a.width - b.width,
  )
}

/** The plan's windows with the shared levels: 0 is the base view, the others follow in the order of `sizes`. */
function placesIn(sizes: readonly Size[], { levels, windows, baseWindow }: Plan): readonly Place[] {
  const known = new Map(sizes.map((size, i) => [sizeKey(size), i + 1]))
  const shared = levels.map((size) => known.get(sizeKey(size)) ?? 0)
  return windows.map(({ index, level, y, x }) => ({ level: index === baseWindow ? 0 : (shared[level] ?? 0), y, x }))
}

function sizeKey({ height, width }: Size): string {
  return `${height} ${width}`
}

function keyOf({ level, y, x }: Place): string {
  return `${level} ${y} ${x}`
}
