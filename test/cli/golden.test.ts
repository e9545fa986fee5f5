import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeNpy } from '../io/npy.ts'
import { shared, sharedMissing } from '../shared.ts'
import { sess } from './context.ts'

interface Golden {
  readonly image: string
  readonly options: Readonly<Record<string, unknown>> & { readonly target: number }
  readonly levels?: readonly (readonly [number, number])[]
  readonly probability?: readonly number[]
  readonly kept?: readonly number[]
}

/** The options of the reference as a user would write them; one that is not known here is an error. */
const written: Readonly<Record<string, (value: unknown) => readonly string[]>> = {
  target: () => [],
  given_target: (value) => (value === null ? [] : ['--target', String(value)]),
  method: (value) => ['--method', String(value)],
  scales: (value) => ['--scales', String(value)],
  step: (value) => ['--step', String(value)],
  ratio: (value) => ['--pre-filter', String(value)],
  theta: (value) => ['--theta', String(value)],
  mode: (value) => ['--fusion', String(value)],
  smooth: (value) => (value ? [] : ['--no-smooth']),
  antialias: (value) => (value ? [] : ['--no-antialias']),
  sess: (value) => (value ? [] : ['--no-sess']),
}

function commandOptions({ options }: Golden): readonly string[] {
  const all = { given_target: options.target, ...options }
  return Object.entries(all).flatMap(([key, value]) => {
    const words = written[key]
    if (words === undefined) throw new Error(`the golden has an option ${key} that this test does not know`)
    return words(value)
  })
}

const names = sharedMissing
  ? []
  : readdirSync(shared('golden')).filter((name) => /^(gradcam_.*|base_gradcam)\.json$/.test(name))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-golden-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe.skipIf(sharedMissing)(`through the command line${sharedMissing ? `: ${sharedMissing}` : ''}`, () => {
  it.each(names)('%s comes out within the tolerances', { timeout: 120_000 }, async (name) => {
    const golden: Golden = JSON.parse(readFileSync(shared(`golden/${name}`), 'utf8'))
    const out = join(folder, basename(name, '.json'))
    const model = shared('models/mobilenet-v1-075-224.onnx')
    const image = shared(`golden/images/${golden.image}`)
    const argv = [
      'explain',
      image,
      '--model',
      model,
      '-o',
      `${out}.npy`,
      '-o',
      `${out}.json`,
      ...commandOptions(golden),
    ]
    const { status, stderr } = await sess(argv)
    expect(status, stderr).toBe(0)

    const expected = decodeNpy(readFileSync(shared(`golden/${name.replace('.json', '.map.npy')}`)))
    const map = decodeNpy(readFileSync(`${out}.npy`))
    expect(map.shape).toEqual(expected.shape)
    let [sum, far] = [0, 0]
    for (const [i, value] of expected.data.entries()) {
      const difference = Math.abs(value - (map.data[i] ?? Number.NaN))
      sum += difference
      if (!(difference <= 1e-3)) far++
    }
    expect(far / expected.data.length).toBeLessThanOrEqual(0.001)
    expect(sum / expected.data.length).toBeLessThan(1e-4)

    const report = JSON.parse(readFileSync(`${out}.json`, 'utf8'))
    expect(report.target.index).toBe(golden.options.target)
    if (golden.levels === undefined) return
    expect(report.plan.levels.map(({ height, width }: { height: number; width: number }) => [height, width])).toEqual(
      golden.levels,
    )
    for (const [i, probability] of (golden.probability ?? []).entries()) {
      expect(Math.abs(report.windows[i].probability - probability)).toBeLessThan(1e-4)
    }
    const kept = report.windows.filter((window: { kept: boolean }) => window.kept)
    expect(kept.map(({ index }: { index: number }) => index)).toEqual(golden.kept)
  })

  it('there are goldens', () => {
    expect(existsSync(shared('golden'))).toBe(true)
    expect(names.length).toBeGreaterThan(10)
  })
})
