import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sess } from './context.ts'

const photo = 'docs/photos/coffee.png'
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-objects-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function explained(name: string, options: readonly string[]) {
  const [json, png] = [join(folder, `${name}.json`), join(folder, `${name}.png`)]
  const result = await sess(['explain', photo, '--scales', '4', '-o', json, '-o', png, ...options])
  expect(result).toMatchObject({ status: 0 })
  return { report: JSON.parse(readFileSync(json, 'utf8')), pixels: await sharp(png).raw().toBuffer(), ...result }
}

describe('sess explain --objects', () => {
  it('reports and draws the objects, at half of the maximum unless told', async () => {
    const plain = await explained('plain', [])
    expect(plain.report).not.toHaveProperty('objects')
    const { report, pixels, stderr } = await explained('objects', ['--objects'])
    expect(report.objectThreshold).toBe(0.5)
    expect(report.objects.length).toBeGreaterThan(0)
    expect(report.objects[0]).toMatchObject({
      box: { y: expect.any(Number), height: expect.any(Number) },
      centroid: { y: expect.any(Number), x: expect.any(Number) },
      share: expect.any(Number),
      peak: { value: expect.any(Number) },
      window: { index: expect.any(Number), probability: expect.any(Number) },
    })
    expect(stderr).toMatch(/, \d+ objects? -> /)
    expect(pixels.equals(plain.pixels)).toBe(false)
  })

  it('takes another share of the maximum: less of the map is in it', async () => {
    const energy = async (name: string, options: readonly string[]) =>
      (await explained(name, options)).report.objects.reduce(
        (sum: number, one: { share: number }) => sum + one.share,
        0,
      )
    expect(await energy('high', ['--objects', '0.9'])).toBeLessThan(await energy('low', ['--objects=0.3']))
  })

  it.each(['0', '1.5', 'photo.jpg'])('refuses %s', async (value) => {
    const { status, stderr } = await sess(['explain', photo, '--objects', value])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^sess: OPTION_INVALID: --objects is .*above 0 to 1/)
  })

  it('every report names the windows that carry the map', async () => {
    const { report } = await explained('top', [])
    expect(report.topWindows.length).toBe(10)
    const shares = report.topWindows.map(({ share }: { share: number }) => share)
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
    for (const window of report.topWindows) {
      const { share: _, ...rest } = window
      expect(rest).toEqual(report.windows[window.index])
    }
  })
})
