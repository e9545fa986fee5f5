import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { type GoldenOptions, goldenOptions } from '../bench/golden-options.mjs'
import { decodeNpy } from './io/npy.ts'
import { shared } from './shared.ts'

/** One golden: the image, the oracle's options and what it found. */
export interface Golden {
  readonly name: string
  readonly image: string
  readonly options: GoldenOptions
  readonly levels?: readonly (readonly [number, number])[]
  readonly probability?: readonly number[]
  readonly kept?: readonly number[]
}

export function readGolden(name: string): Golden {
  return { name, ...JSON.parse(readFileSync(shared(`golden/${name}.json`), 'utf8')) }
}

export const goldenImage = (golden: Golden): string => shared(`golden/images/${golden.image}`)
export const goldenArray = (name: string) => decodeNpy(readFileSync(shared(`golden/${name}.npy`)))

/** The oracle's options in the library's words. */
export const libraryOptions = ({ options }: Golden) => goldenOptions(options)

interface Tolerance {
  /** Share of the pixels within 1e-3. */
  readonly close: number
  /** Of the absolute difference. */
  readonly mean: number
}

const usual: Tolerance = { close: 0.999, mean: 1e-4 }

/** Of methods that read the gradient at the image, without SESS: a unit at its kink flips with the last bit. */
export const kinks: Tolerance = { close: 0.95, mean: 5e-4 }

export function expectGoldenMap(map: ArrayLike<number>, golden: string, tolerance: Tolerance = usual): void {
  const { data } = goldenArray(`${golden}.map`)
  expect(map.length).toBe(data.length)
  const differences = Array.from(data, (value, i) => Math.abs(value - (map[i] ?? Number.NaN)))
  const close = differences.filter((difference) => difference <= 1e-3).length
  expect(close / data.length).toBeGreaterThanOrEqual(tolerance.close)
  expect(differences.reduce((a, b) => a + b, 0) / data.length).toBeLessThan(tolerance.mean)
}
