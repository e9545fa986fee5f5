import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { notEmulated, sess } from './emulated.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-failures-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe.skipIf(notEmulated)('a call of the device that fails', () => {
  const explain = (call: number) =>
    sess(['explain', 'docs/photos/both.jpg', '--device', 'cuda', '--batch', '32', '-o', join(folder, 'map.npy')], {
      SESS_EMULATED_FAILURE: String(call),
    })

  // The 21st asks for memory, and is asked again once what was kept for later is freed
  it('is overcome where it asks for memory', async () => {
    const { status, stderr } = await explain(21)
    expect(status, stderr).toBe(0)
    expect(readdirSync(folder)).toEqual(['map.npy'])
  })

  it.each([1, 2, 3, 5, 8, 13, 34, 55, 89, 144, 233])('is told, and no file is left: call %i', async (call) => {
    const { status, stderr } = await explain(call)
    expect(status, stderr).toBe(1)
    expect(stderr).toMatch(/^sess: (DEVICE_UNAVAILABLE|OUT_OF_MEMORY): [^\n]+\n$/)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is none where the device is asked no more often', async () => {
    const { status, stderr } = await explain(100_000)
    expect(status, stderr).toBe(0)
    expect(readdirSync(folder)).toEqual(['map.npy'])
  })
})
