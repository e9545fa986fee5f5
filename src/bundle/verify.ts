import { SessError, type SessErrorCode } from '../error.ts'
import type { Explanation } from '../explanation.ts'
import { throwIfAborted } from '../io/abort.ts'
import { checkVerifyOptions, explainDefaults, type VerifyOptions } from '../options.ts'
import { versions } from '../versions.ts'
import { explainAgain } from './again.ts'
import { type Check, noted, type Verification, type WindowDifference } from './check.ts'
import type { Bundle } from './form.ts'
import { checkModel, checkPhoto } from './inputs.ts'
import { type MapDifference, mapDifference } from './map-difference.ts'
import { type OpenedBundle, openBundle, type ReadPlane, readPlane, sealChecks } from './read.ts'
import {
  allowanceOf,
  mapCheck,
  notCompared,
  notComputed,
  otherSize,
  planCheck,
  targetCheck,
  windowsCheck,
} from './results.ts'

/** As two machines agree on most pixels of a map. */
const defaultTolerance = 1e-3

/** Faults of this machine, which say nothing of the bundle. */
const ours: ReadonlySet<SessErrorCode> = new Set([
  'DEVICE_UNAVAILABLE',
  'OUT_OF_MEMORY',
  'NATIVE_MISSING',
  'ABORTED',
  'DISPOSED',
])

/**
 * Compares a bundle with the photo and model that it names, and with the map that they make now. What differs is told
 * by name, by how much and where; nothing is downloaded and nothing is written.
 * @throws SessError `BUNDLE_UNREADABLE`, `OPTION_INVALID`, `DEVICE_UNAVAILABLE`, `OUT_OF_MEMORY`, `ABORTED`
 */
export async function verify(path: string, given: VerifyOptions = {}): Promise<Verification> {
  const options = checkVerifyOptions(given)
  const { signal } = options
  const opened = await openBundle(path, signal)
  const { bundle } = opened
  const { map, scores } = await readResults(opened, options)
  const photo = await checkPhoto(opened, options)
  const model = await checkModel(opened, options)
  const before = [
    ...sealChecks(bundle),
    ...photo.checks,
    ...model.checks,
    map.check,
    scores.check,
    ...versionChecks(bundle, await versions()),
  ]
  const result = (after: readonly Check[], found: Found = nothing): Verification => {
    const checks = [...before, ...after]
    return { bundle: path, agrees: checks.every(isGood), checks, ...found }
  }
  if (photo.photo === undefined) return result([notComputed('the photo is missing or cannot be read')])
  if (model.model === undefined) return result([notComputed('the model is missing or cannot be read')])
  try {
    const again = await explainAgain(bundle, photo.photo, model.model, options)
    const causes = causesOf([...before, ...again.checks])
    const { checks, ...found } = await compareResults(bundle, { map, scores, causes }, again.explanation, options)
    return result([...again.checks, ...checks], found)
  } catch (error) {
    throwIfAborted(signal)
    if (!(error instanceof SessError) || ours.has(error.code)) throw error
    return result([notComputed(error.message, causesOf(before))])
  }
}

/** As large as the limits of whoever asks allow, not as the bundle says. */
async function readResults({ folder, bundle }: OpenedBundle, options: VerifyOptions) {
  const { maxPixels = explainDefaults.maxPixels, maxWindows = explainDefaults.maxWindows, signal } = options
  const pixels = { samples: maxPixels, option: `maxPixels ${maxPixels} (--max-pixels)` }
  const windows = { samples: 2 * maxWindows, option: `maxWindows ${maxWindows} (--max-windows)` }
  const scores = { ...bundle.windows, height: bundle.windows.count, width: 2 }
  return {
    map: await readPlane(folder, bundle.map, pixels, signal),
    scores: await readPlane(folder, scores, windows, signal),
  }
}

type Found = Pick<Verification, 'map' | 'windows'>
const nothing: Found = { map: undefined, windows: [] }

interface Recorded {
  readonly map: ReadPlane
  readonly scores: ReadPlane
  readonly causes: readonly string[]
}

async function compareResults(
  bundle: Bundle,
  recorded: Recorded,
  explanation: Explanation,
  { tolerance = defaultTolerance, signal }: VerifyOptions,
): Promise<Found & { readonly checks: readonly Check[] }> {
  const checks = [planCheck(bundle, explanation), targetCheck(bundle, explanation.target, tolerance / 10)]
  let windows: readonly WindowDifference[] = []
  if (recorded.scores.plane !== undefined) {
    const { check, most } = windowsCheck(recorded.scores.plane, explanation, {
      probability: tolerance / 10,
      weight: tolerance, // up to 1, as the map is
    })
    checks.push(check)
    windows = most
  }
  const { plane, check } = recorded.map
  let map: MapDifference | undefined
  if (plane === undefined) checks.push(notCompared(check.name))
  else if (plane.width !== explanation.map.width || plane.height !== explanation.map.height) {
    checks.push(otherSize(explanation.map, plane))
  } else {
    map = await mapDifference(plane, explanation.map, tolerance, signal)
    const allowed = allowanceOf(bundle, check.status === 'same', tolerance)
    checks.push(mapCheck(map, allowed, recorded.causes))
  }
  return { checks, map, windows }
}

/** What a difference may come from: what changed, or else what is another here. */
function causesOf(checks: readonly Check[]): readonly string[] {
  const bad = checks.filter((check) => !isGood(check))
  return (bad.length > 0 ? bad : checks.filter(({ status }) => status === 'noted')).map(({ name }) => name)
}

function isGood({ status }: Check): boolean {
  return status === 'same' || status === 'noted'
}

function versionChecks({ versions: recorded }: Bundle, found: Readonly<Record<string, string>>): readonly Check[] {
  const here: Readonly<Record<string, string>> = { ...found, platform: `${process.platform}-${process.arch}` }
  return Object.entries(recorded).flatMap(([name, version]) =>
    here[name] === version ? [] : [noted(`versions.${name}`, `${here[name] ?? 'none'} here, ${version} in the bundle`)],
  )
}
