import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Picture } from '../../src/render/picture.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-picture-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const red = (width = 5, height = 4) =>
  new Picture(async () => sharp({ create: { width, height, channels: 3, background: '#c81e28' } }))

describe('a picture', () => {
  it.each([
    ['a.png', 'png', 0],
    ['a.jpg', 'jpeg', 3],
    ['a.JPEG', 'jpeg', 3],
    ['a.webp', 'webp', 6],
  ])('is written to %s as %s', async (name, format, tolerance) => {
    const path = join(folder, name)
    await red().toFile(path)
    expect(await sharp(path).metadata()).toMatchObject({ format, width: 5, height: 4 })
    const pixel = await sharp(path).raw().toBuffer()
    for (const [c, v] of [200, 30, 40].entries()) expect(Math.abs((pixel[c] ?? 0) - v)).toBeLessThanOrEqual(tolerance)
  })

  it.each(['a.gif', 'a', 'png'])('refuses %s', async (name) => {
    await expect(red().toFile(join(folder, name))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('too wide for its format leaves no file behind', async () => {
    const failure = red(20_000, 1).toFile(join(folder, 'wide.webp'))
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    await expect(failure).rejects.toThrow(
      /wide\.webp would have 20000 pixels on a side, and WebP ends at 16383\..*\.png/,
    )
    await expect(red(1, 16_384).toBuffer('webp')).rejects.toThrow(/16384 pixels on a side/)
    await expect(red(70_000, 1).toBuffer('jpeg')).rejects.toThrow(/70000 pixels on a side, and JPEG ends at 65535/)
    await red(16_383, 1).toFile(join(folder, 'just.webp'))
    await expect(sharp(join(folder, 'just.webp')).metadata()).resolves.toMatchObject({ width: 16_383 })
    expect(readdirSync(folder).filter((n) => n.startsWith('.') || n.startsWith('wide'))).toEqual([])
  })

  it('is drawn once and only when asked for', async () => {
    let drawn = 0
    const picture = new Picture(async () => {
      drawn++
      return sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
    })
    expect(drawn).toBe(0)
    const [a, b] = await Promise.all([picture.toBuffer(), picture.toBuffer('webp'), (await picture.sharp()).metadata()])
    expect(drawn).toBe(1)
    expect([(await sharp(a).metadata()).format, (await sharp(b).metadata()).format]).toEqual(['png', 'webp'])
  })
})
