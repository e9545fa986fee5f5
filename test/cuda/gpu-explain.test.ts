import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runtime } from '../../src/native.ts'
import { explainProgram, run, writeCases } from '../native-cases.ts'
import { type Counts, notEmulated } from './emulated.ts'

/** The build of scripts/emulated.mjs. */
const program = explainProgram('build/emulated/build')

describe.skipIf(notEmulated)('an explanation without Node, on the device', () => {
  let folder: string
  beforeAll(async () => {
    folder = await writeCases(['grad-cam', 'gradient'])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const explain = async (method: string, ...options: string[]) => {
    const counts = join(folder, 'counts.json')
    const given = ['--threads', '2', '--trials', '0', ...options]
    const path = join(folder, `tiny200.${method}.2-scales.case`)
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
})
