import type { Preprocessing } from '../../binding.d.ts'
import { invalidOption } from '../error.ts'
import type { Manifest } from './manifest.ts'

/** What options state of mean and std; it goes before what the manifest does. */
interface PixelOverrides {
  readonly mean?: readonly number[] | undefined
  readonly std?: readonly number[] | undefined
}

type Triple = readonly [number, number, number]

/** What the op `pyramid` applies to the 8-bit RGB samples of a photo. */
export interface ModelPreprocessing extends Preprocessing {
  /** Nothing states mean and std: ImageNet's are taken, and the user is to be told. */
  readonly inferred: boolean
}

/** How pixels become input: `x = (v * scale - mean) / std`, in the order of `channels`. */
export interface StatedPreprocessing {
  readonly channels: 'RGB' | 'BGR'
  readonly scale: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** Who says so. */
  readonly from: string
}

/** Mean and std of ImageNet in units of v / 255, red first, as torchvision has them. */
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

/** Mean, std and scale as they count, in the order of `channels`. */
export interface PixelNumbers {
  readonly channels: 'RGB' | 'BGR'
  readonly scale: number
  readonly mean: Triple
  readonly std: Triple
  readonly inferred: boolean
}

/** Options go before the manifest; mean and std are in units of `v * scale`. */
export function pixelNumbers(
  manifest: Pick<Manifest, 'input' | 'preprocess'> | undefined,
  overrides: PixelOverrides = {},
): PixelNumbers {
  const bgr = manifest?.input?.channels === 'BGR'
  const stated = Object.keys(manifest?.preprocess ?? {}).length === 0 ? undefined : manifest?.preprocess
  const mean = checked('mean', overrides.mean, Number.isFinite, 'three numbers')
  const std = checked('std', overrides.std, (v) => Number.isFinite(v) && v > 0, 'three numbers over 0')
  const inferred = stated === undefined && mean === undefined && std === undefined
  if (stated === undefined && !inferred) {
    if (std === undefined)
      throw invalidOption('std', undefined, 'three numbers beside mean, as no manifest states them')
    if (mean === undefined)
      throw invalidOption('mean', undefined, 'three numbers beside std, as no manifest states them')
  }
  const ordered = ([r, g, b]: Triple): Triple => (bgr ? [b, g, r] : [r, g, b])
  return {
    channels: bgr ? 'BGR' : 'RGB',
    scale: stated?.scale ?? 1 / 255,
    mean: mean ?? (inferred ? ordered(imagenet.mean) : (stated?.mean ?? [0, 0, 0])),
    std: std ?? (inferred ? ordered(imagenet.std) : (stated?.std ?? [1, 1, 1])),
    inferred,
  }
}

/**
 * `x = (v * s - mean) / std` as one multiplication and addition. Options go before the manifest; mean and std are
 * in the units of `v * s` and listed in the order of the model's channels, so that BGR models give blue first.
 */
export function preprocessing(
  manifest: Pick<Manifest, 'input' | 'preprocess'> | undefined,
  overrides: PixelOverrides = {},
): ModelPreprocessing {
  const { channels, scale: s, mean: m, std: d, inferred } = pixelNumbers(manifest, overrides)
  return {
    channels: channels === 'BGR' ? [2, 1, 0] : [0, 1, 2],
    scale: [s / d[0], s / d[1], s / d[2]],
    bias: [-m[0] / d[0], -m[1] / d[1], -m[2] / d[2]],
    inferred,
  }
}

/** `preprocessing` for people. `manifestPath`: where it is stated. */
export function statedPreprocessing(
  manifest: Manifest | undefined,
  manifestPath: string | undefined,
  overrides: PixelOverrides = {},
): StatedPreprocessing {
  const channels = manifest?.input?.channels ?? 'RGB'
  const { inferred, scale, bias } = preprocessing(manifest, overrides)
  const s = manifest?.preprocess?.scale ?? 1 / 255
  // Back from `v * (s / std) - mean / std`, so that what is told is what is computed.
  const round = (value: number) => Number(value.toPrecision(12))
  return {
    channels,
    scale: s,
    mean: scale.map((factor, c) => round((-(bias[c] ?? 0) * s) / factor)),
    std: scale.map((factor) => round(s / factor)),
    from: inferred ? "nothing states it: ImageNet's mean and std are assumed" : sources(manifestPath, overrides),
  }
}

function sources(manifestPath: string | undefined, { mean, std }: PixelOverrides): string {
  const stated = manifestPath ?? 'the manifest'
  if (mean !== undefined && std !== undefined) return 'the options mean and std'
  if (mean === undefined && std === undefined) return stated
  return `the option ${mean === undefined ? 'std' : 'mean'}, and ${stated}`
}

function checked(
  name: string,
  values: readonly number[] | undefined,
  fits: (value: number) => boolean,
  expected: string,
): Triple | undefined {
  if (values === undefined) return undefined
  const [a, b, c] = values
  if (values.length !== 3 || a === undefined || b === undefined || c === undefined || !values.every(fits)) {
    throw invalidOption(name, values, expected)
  }
  return [a, b, c]
}
