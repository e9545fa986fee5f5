import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { counted, notEmulated, sess } from './emulated.ts'

const photo = 'docs/photos/both.jpg'
const library = pathToFileURL(resolve(import.meta.dirname, '../../dist/index.js')).href

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-memory-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe.skipIf(notEmulated)('memory of the device', () => {
  const explain = (name: string, bytes: number | undefined, ...options: string[]) =>
    sess(
      [
        'explain',
        photo,
        '--device',
        'cuda',
        '-o',
        join(folder, `${name}.npy`),
        '-o',
        join(folder, `${name}.json`),
        ...options,
      ],
      bytes === undefined ? {} : { SESS_EMULATED_MEMORY: String(bytes) },
    )
  const batchOf = (name: string): number => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')).plan.batch

  it('that is short makes batches smaller, and the map stays as it is', async () => {
    const whole = await explain('whole', undefined)
    expect(whole.status, whole.stderr).toBe(0)
    const short = await explain('short', Math.floor(0.8 * whole.counts.peakBytes), '--batch', 'auto')
    expect(short.status, short.stderr).toBe(0)
    expect(short.counts.peakBytes).toBeLessThan(0.8 * whole.counts.peakBytes)
    expect(batchOf('short')).toBeLessThan(batchOf('whole'))
    expect(readFileSync(join(folder, 'short.npy'))).toEqual(readFileSync(join(folder, 'whole.npy')))
  })

  it('that does not hold one window is said, with what was tried, and no file is left', async () => {
    const { status, stderr } = await explain('none', 5_000_000)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^sess: OUT_OF_MEMORY: .*MiB.*Tried: batches from \d+ down to 1\.\n$/)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is no more after 200 explanations than after 10', async () => {
    const explaining = (times: number) =>
      counted([
        '--input-type=module',
        '--eval',
        `import { Explainer } from '${library}'
         const explainer = await Explainer.load('tiny200', { device: 'cuda' })
         for (let i = 0; i < ${times}; i++) await explainer.explain('${photo}', { scales: 2, step: 64 })
         await explainer.dispose()`,
      ])
    const [few, many] = [await explaining(10), await explaining(200)]
    expect(few.status, few.stderr).toBe(0)
    expect(many.status, many.stderr).toBe(0)
    expect(many.counts.launches).toBeGreaterThan(15 * few.counts.launches)
    expect(many.counts.peakBytes).toBe(few.counts.peakBytes)
  })
})
