import canonicalize from 'canonicalize'
import type { ClassScore, Explanation } from '../explanation.ts'
import type { Plane } from '../io/npy.ts'
import { methodByName } from '../methods/index.ts'
import { type Check, changed, missing, same, type WindowDifference } from './check.ts'
import { planFacts } from './facts.ts'
import type { Bundle } from './form.ts'
import type { MapDifference } from './map-difference.ts'

// What a bundle says came out, compared with what comes out now.

/** Levels, windows and forward passes; batches may be of any size. */
export function planCheck({ plan: recorded }: Bundle, explanation: Explanation): Check {
  const { batch: _, ...found } = planFacts(explanation.plan)
  const { batch: __, ...before } = recorded
  const keys = Object.keys(found) as (keyof typeof found)[]
  const differing = keys.filter((key) => canonicalize(found[key]) !== canonicalize(before[key]))
  if (differing.length === 0) return same('plan', `${found.levels.length} levels, ${found.windows} windows`)
  const what = (key: keyof typeof found) =>
    `${key} ${JSON.stringify(found[key])} instead of ${JSON.stringify(before[key])}`
  return changed('plan', differing.map(what).join('; '))
}

export function targetCheck({ target: recorded }: Bundle, found: ClassScore, tolerance: number): Check {
  const { index, logit, probability } = found
  const text = (l: number | null, p: number | null) => `logit ${number(l)}, probability ${number(p)}`
  const isSame =
    index === recorded.index &&
    near(probability, recorded.probability, tolerance) &&
    near(logit, recorded.logit, 10 * tolerance * Math.max(1, Math.abs(recorded.logit ?? 0)))
  if (isSame) return same('target', `class ${index}, ${text(logit, probability)}`)
  const before = `class ${recorded.index}, ${text(recorded.logit, recorded.probability)}`
  return changed('target', `class ${index}, ${text(logit, probability)} instead of ${before}`)
}

/**
 * The windows whose probability or weight differs by more than the tolerances: how many, and the three whose
 * probability differs most.
 */
export function windowsCheck(
  recorded: Plane,
  { windows }: Explanation,
  tolerances: { readonly probability: number; readonly weight: number },
): { readonly check: Check; readonly most: readonly WindowDifference[] } {
  if (recorded.height !== windows.length) {
    const what = `${windows.length} instead of ${recorded.height}: their probabilities cannot be compared`
    return { check: changed('windows', what), most: [] }
  }
  const probabilities: WindowDifference[] = []
  const weights: WindowDifference[] = []
  for (const { index, level, y, x, box, probability, weight } of windows) {
    const place = { index, level, y, x, box }
    const found = Math.fround(probability) // as the file holds it
    const [p = Number.NaN, w = Number.NaN] = recorded.data.subarray(2 * index, 2 * index + 2)
    if (!near(found, p, tolerances.probability)) probabilities.push({ ...place, recorded: p, found })
    if (!near(weight, w, tolerances.weight)) weights.push({ ...place, recorded: w, found: weight })
  }
  const most = probabilities.sort(byDifference).slice(0, 3)
  const heaviest = weights.sort(byDifference).slice(0, 1)
  const of = (count: number, what: string, tolerance: number, shown: readonly WindowDifference[]) =>
    count === 0
      ? []
      : [
          `${count} of ${windows.length} ${what} differ by more than ${tolerance}, most: ${shown.map(shownWindow).join('; ')}`,
        ]
  const faults = [
    ...of(probabilities.length, 'probabilities', tolerances.probability, most),
    ...of(weights.length, 'weights', tolerances.weight, heaviest),
  ]
  if (faults.length > 0) return { check: changed('windows', faults.join('; ')), most }
  const within = `${windows.length} probabilities within ${tolerances.probability}, weights within ${tolerances.weight}`
  return { check: same('windows', within), most }
}

function shownWindow({ index, level, y, x, recorded, found }: WindowDifference): string {
  return `window ${index} (level ${level} at ${x},${y}) ${number(found)} instead of ${number(recorded)}`
}

/** The largest first; one that is not finite before all others. */
function byDifference(a: WindowDifference, b: WindowDifference): number {
  return sizeOf(b) - sizeOf(a) || a.index - b.index
}

function sizeOf({ recorded, found }: WindowDifference): number {
  const difference = Math.abs(recorded - found)
  return Number.isFinite(difference) ? difference : 2
}

/** Whether two maps agree, by how much they differ and where; `causes`: what else is not as it was. */
export function mapCheck(difference: MapDifference, allowed: Allowance, causes: readonly string[]): Check {
  const { maximum, mean, share, correlation, at, box, tolerance } = difference
  if (maximum === 0) return same('map', 'every pixel is the same')
  const most = `up to ${number(maximum)} at ${at.x},${at.y} (${number(at.found)} instead of ${number(at.recorded)})`
  const how = `mean ${number(mean)}, correlation ${number(correlation ?? null)}`
  const over = `${number(100 * share)} % of the pixels over ${tolerance}`
  const within = share <= allowed.share && mean <= allowed.mean
  if (within) return same('map', `differs by ${most}, ${how}, ${over}`)
  const where = box === undefined ? '' : `, within ${box.width} x ${box.height} pixels at ${box.x},${box.y}`
  const why = causes.length === 0 ? '' : `; other than in the bundle: ${causes.join(', ')}`
  return changed('map', `differs by ${most}, ${how}, ${over}${where}${why}`)
}

/** How much of a map may lie over the tolerance, and by how much it may differ on average. */
interface Allowance {
  readonly share: number
  readonly mean: number
}

/**
 * What two machines may differ by. Where few windows of a gradient at the image are averaged, a unit at its kink flips
 * with the last bit of its input. A map that is not the one that was sealed has no such excuse.
 */
export function allowanceOf({ options, plan }: Bundle, isSealed: boolean, tolerance: number): Allowance {
  if (!isSealed) return { share: 0, mean: tolerance / 10 }
  const isRough = methodByName(options.method).kind === 'pixels' && plan.windows < 20
  return isRough ? { share: 0.05, mean: tolerance / 2 } : { share: 0.001, mean: tolerance / 10 }
}

export function otherSize(found: { readonly width: number; readonly height: number }, recorded: Plane): Check {
  const size = `${found.width} x ${found.height} pixels instead of ${recorded.width} x ${recorded.height}`
  return changed('map', `${size}: cannot be compared`)
}

/** `causes`: what it may come from. */
export function notComputed(why: string, causes: readonly string[] = []): Check {
  const others = causes.length === 0 ? '' : ` Other than in the bundle: ${causes.join(', ')}`
  return missing('map', `cannot be computed again: ${why}${others}`)
}

export function notCompared(file: string): Check {
  return missing('map', `has nothing to be compared with: ${file} cannot be read`)
}

function near(a: number | null, b: number | null, tolerance: number): boolean {
  if (a === null || b === null || !Number.isFinite(a) || !Number.isFinite(b)) {
    return Number.isFinite(a ?? Number.NaN) === Number.isFinite(b ?? Number.NaN)
  }
  return Math.abs(a - b) <= tolerance
}

function number(value: number | null): string {
  return value === null || !Number.isFinite(value) ? 'not finite' : String(Number(value.toPrecision(4)))
}
