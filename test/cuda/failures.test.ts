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

  const calls = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]

  // What asks for memory is asked again once what was kept for later is freed
  it.each(calls)('is told, and no file is left, or it is overcome: call %i', async (call) => {
    const { status, stderr } = await explain(call)
    if (status === 0) {
      expect(readdirSync(folder)).toEqual(['map.npy'])
    } else {
      expect(status, stderr).toBe(1)
      expect(stderr).toMatch(/^sess: (DEVICE_UNAVAILABLE|OUT_OF_MEMORY): [^\n]+\n$/)
      expect(readdirSync(folder)).toEqual([])
    }
  })

  it('is told where nothing can be tried again', async () => {
    expect((await explain(1)).status).toBe(1)
  })

  it('is none where the device is asked no more often', async () => {
    const { status, stderr } = await explain(100_000)
    expect(status, stderr).toBe(0)
    expect(readdirSync(folder)).toEqual(['map.npy'])
  })
})
