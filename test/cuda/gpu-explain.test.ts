import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runtime } from '../../src/native.ts'
import { explainProgram, photo, run, writeCases } from '../native-cases.ts'
import { type Counts, counted, notEmulated } from './emulated.ts'

/** The build of scripts/emulated.mjs. */
const program = explainProgram('build/emulated/build')

/** What two explanations did more than another two, of one. */
function ofOne(few: Counts, many: Counts) {
  const each = (pick: (counts: Counts) => number) => (pick(many) - pick(few)) / 2
  return {
    launches: each(({ launches }) => launches),
    up: { number: each(({ up }) => up.number), bytes: each(({ up }) => up.bytes) },
    downBytes: each(({ down }) => down.bytes),
  }
}

describe.skipIf(notEmulated)('an explanation without Node, on the device', () => {
  let folder: string
  beforeAll(async () => {
    folder = await writeCases(['grad-cam', 'gradient'])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const caseOf = (method: string) => join(folder, `tiny200.${method}.2-scales.case`)
  const explain = async (method: string, ...options: string[]) => await explainCase(caseOf(method), ...options)
  const explainCase = async (path: string, ...options: string[]) => {
    const counts = join(folder, 'counts.json')
    const given = ['--threads', '2', '--trials', '0', ...options]
    const { status, stdout, stderr } = await run(program, [runtime.path, path, ...given], {
      SESS_EMULATED_COUNTS: counts,
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const counted: Counts = JSON.parse(readFileSync(counts, 'utf8'))
    return { report: JSON.parse(stdout), counts: counted }
  }

  it.each([
    ['grad-cam', []],
    ['grad-cam', ['--precision', 'tf32']],
    ['grad-cam', ['--batch', '4']],
    ['gradient', []],
    ['gradient', ['--batch', '1']],
  ])("%s %o gives the library's map, and gives its memory back", async (method, options) => {
    const { report, counts } = await explain(method, '--explanations', '0', ...options)
    expect(report.device).toBe('emulated device')
    expect(report.differences.cuda_to_library.largest).toBeLessThanOrEqual(1e-5)
    expect(report.differences.cuda_to_processor.largest).toBeLessThanOrEqual(1e-5)
    expect(counts).toMatchObject({ heldBytes: 0, fault: 0 })
  })

  it('is timed beside the bare model', async () => {
    const { report } = await explain('grad-cam', '--explanations', '0', '--trials', '1')
    expect(report.ratio).toBeCloseTo(report.explain_ms / report.bare_ms, 3)
    expect([8, 16, 32, 64, 128]).toContain(report.bare_batch)
  })

  it('takes no more memory with every explanation', async () => {
    const { report } = await explain('grad-cam', '--explanations', '12')
    const { explanations, free_after_first, free_after_last } = report.memory
    expect(explanations).toBe(12)
    expect(free_after_first).toBeGreaterThan(0)
    expect(free_after_last).toBe(free_after_first)
  })

  it('copies the photo up, the map down, and little else', async () => {
    const few = await explain('grad-cam', '--explanations', '2')
    const many = await explain('grad-cam', '--explanations', '4')
    const { photo_bytes, map_bytes } = many.report
    for (const [way, bytes] of [
      ['up', photo_bytes],
      ['down', map_bytes],
    ] as const) {
      const each = (many.counts[way].bytes - few.counts[way].bytes) / 2
      expect(each).toBeGreaterThanOrEqual(bytes)
      expect(each).toBeLessThan(bytes + 16_384)
    }
  })

  it.each([
    ['grad-cam', 'a named class', [], 8 * 8],
    ['grad-cam', 'a named class', ['--batch', '4'], 8 * 8],
    ['grad-cam', 'the top-1', [], 8 * 8],
    ['gradient', 'a named class', [], 64 * 64],
  ])('does for %s of %s %o what the library does', async (method, which, batch, cells) => {
    const text = readFileSync(caseOf(method), 'utf8')
    const isNamed = which === 'a named class'
    const path = isNamed ? caseOf(method) : join(folder, 'top-1.case')
    if (!isNamed) writeFileSync(path, text.replace(/^seed \d+/m, 'seed -1'))
    const target = isNamed ? ['--target', /^seed (\d+)/m.exec(text)?.[1] ?? ''] : []
    const programs = async (count: number) => (await explainCase(path, ...batch, '--explanations', `${count}`)).counts
    const librarys = async (count: number) => {
      const options = ['--scales', '2', '--method', method, ...batch, ...target]
      const { status, stderr, counts } = await counted(['bench/gpu/explains.mjs', photo, ...options, `${count}`])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      return counts
    }
    const { downBytes, ...found } = ofOne(await programs(2), await programs(4))
    const { downBytes: expectedDown, ...expected } = ofOne(await librarys(2), await librarys(4))
    expect(found).toEqual(expected)
    const windows = 6
    const keptMaps = 4 * windows * cells // what topWindows asks about
    const scores = (rows: number) => 16 * rows // the library takes them twice, and the base view's with them
    expect(expectedDown - downBytes).toBe(keptMaps + 2 * scores(windows + 1) - scores(windows))
  })
})
