import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notEmulated, sess } from './emulated.ts'

const photo = 'docs/photos/both.jpg'
const [height, width] = [426, 640]
const photoBytes = 3 * height * width
const mapBytes = 4 * height * width

describe.skipIf(notEmulated)('between processor and device', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sess-transfers-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const explain = (...options: string[]) =>
    sess(['explain', photo, '--device', 'cuda', '-o', join(folder, 'map.npy'), ...options])

  it.each([
    ['grad-cam', []],
    ['hires-cam', []],
    ['gradient', ['--no-sess']],
    ['smoothgrad', ['--no-sess']],
    ['guided-grad-cam', ['--no-sess']],
    ['score-cam', ['--no-sess']],
    ['group-cam', ['--no-sess']],
    ['rise', ['--no-sess']],
    ['occlusion', ['--no-sess']],
  ] as const)('%s: the photo goes up once, scores and the finished map come down', async (method, options) => {
    const { status, stderr, counts } = await explain('--method', method, ...options)
    expect(status, stderr).toBe(0)
    expect(counts.up.bytes).toBeGreaterThanOrEqual(photoBytes)
    expect(counts.up.bytes - photoBytes).toBeLessThan(100_000) // places, weights, taps, classes
    expect(counts.down.bytes).toBeGreaterThanOrEqual(mapBytes)
    // Logits of the base view, scores, peaks, and the windows' maps on their grids, which topWindows asks about
    expect(counts.down.bytes - mapBytes).toBeLessThan(100_000)
    expect(counts.fault).toBe(0)
  })

  it('of a named target too, whose base view goes with the last windows, one row of logits comes down', async () => {
    const top = await explain('--scales', '2')
    const named = await explain('--scales', '2', '--target', '142')
    expect(named.counts.down.bytes).toBe(top.counts.down.bytes)
    expect(named.counts.launches).toBeLessThan(top.counts.launches) // a pass and its score less
  })

  it('maps of pixels come down once each, for what is asked about windows afterwards', async () => {
    const one = await explain('--method', 'gradient', '--scales', '1') // 64 x 96: 2 windows
    const two = await explain('--method', 'gradient', '--scales', '2') // and 82 x 123: 2 x 2 more
    const perWindow = 4 * 64 * 64
    expect(two.counts.down.bytes - one.counts.down.bytes).toBeGreaterThanOrEqual(4 * perWindow)
    expect(two.counts.down.bytes - one.counts.down.bytes).toBeLessThan(4 * perWindow + 1000)
  })

  it('a photo with alpha goes up once, with it', async () => {
    const file = join(folder, 'alpha.png')
    await sharp(photo).ensureAlpha(0.5).png().toFile(file)
    const { status, stderr, counts } = await sess(['explain', file, '--device', 'cuda', '-o', join(folder, 'a.npy')])
    expect(status, stderr).toBe(0)
    expect(counts.up.bytes - 4 * height * width).toBeLessThan(100_000)
  })
})
