import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { colormapTable } from '../../src/render/colormaps.ts'
import { pixelsOf } from '../render/pixels.ts'
import { sess } from './context.ts'

let folder: string
let photo: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-pictures-'))
  photo = join(folder, 'both.jpg')
  copyFileSync(join(import.meta.dirname, '../../docs/photos/both.jpg'), photo)
})
afterAll(() => rmSync(folder, { recursive: true }))

async function explained(name: string, ...options: readonly string[]) {
  const out = join(folder, `${name}.png`)
  const { status, stderr } = await sess(['explain', photo, '--no-sess', '-o', out, ...options])
  expect(status, stderr).toBe(0)
  return { pixels: await pixelsOf(sharp(out)), stderr }
}

describe('the picture of sess explain', () => {
  it('has a caption below the overlay, and with --no-caption is the overlay alone', async () => {
    const bare = (await explained('bare', '--no-caption')).pixels
    const captioned = (await explained('captioned')).pixels
    expect([bare.width, bare.height]).toEqual([640, 426])
    expect(captioned.width).toBe(640)
    expect(captioned.height).toBeGreaterThan(426 + 5 * 14)
    for (let y = 0; y < 426; y += 7) for (let x = 0; x < 640; x += 3) expect(captioned.at(x, y)).toEqual(bare.at(x, y))
  })

  it('--beside puts the decoded photo to the left', async () => {
    const { pixels } = await explained('beside', '--no-caption', '--beside')
    expect(pixels.height).toBe(426)
    expect(pixels.width).toBeGreaterThan(2 * 640)
    const original = await pixelsOf(sharp(photo))
    for (let x = 0; x < 640; x += 3) expect(pixels.at(x, 200)).toEqual(original.at(x, 200))
  })

  it('--range, --contours and --alpha-by-value change it as they say', async () => {
    const options = ['--no-caption', '--alpha', '1']
    const [own, unit, wide, faded, lined] = [
      (await explained('own', ...options)).pixels,
      (await explained('unit', ...options, '--range', '0,1')).pixels,
      (await explained('wide', ...options, '--range', '0,4')).pixels,
      (await explained('faded', ...options, '--alpha-by-value')).pixels,
      (await explained('lined', ...options, '--contours', '0.5,0.9')).pixels,
    ]
    const at = Array.from({ length: 426 * 64 }, (_, i) => [10 * (i % 64), Math.floor(i / 64)] as const)
    const colours = (pixels: typeof own) => at.map(([x, y]) => pixels.at(x, y).join())
    const plain = colours(own)
    // Values up to 1: over a range to 4 they take the lowest quarter of the colours alone.
    const quarter = new Set(
      Array.from({ length: 65 }, (_, i) =>
        colormapTable('inferno')
          .subarray(3 * i, 3 * i + 3)
          .join(),
      ),
    )
    expect(colours(wide).filter((colour) => !quarter.has(colour))).toEqual([])
    expect(colours(unit).filter((colour) => !quarter.has(colour)).length).toBeGreaterThan(100)
    expect(colours(faded)).not.toEqual(plain)
    const changed = colours(lined).filter((c, i) => c !== plain[i])
    expect(changed.length).toBeGreaterThan(0)
    expect(new Set(changed)).toEqual(new Set(['255,255,255', '0,0,0']))
  })

  it('of a map that is zero everywhere is the photo, and stderr says so', async () => {
    const out = join(folder, 'zero.png')
    const argv = ['explain', photo, '--scales', '64', '--theta', '1', '--alpha', '1', '--no-caption', '-o', out]
    const { status, stderr } = await sess(argv)
    expect(status).toBe(0)
    expect(stderr).toMatch(/^sess: \S+both\.jpg: the map is zero everywhere$/m)
    expect(await sharp(out).raw().toBuffer()).toEqual(await sharp(photo).raw().toBuffer())
    expect((await explained('some')).stderr).not.toContain('zero')
  })
})
