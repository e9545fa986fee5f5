import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sess } from './context.ts'

const photo = 'docs/photos/coffee.png'
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-layers-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('sess layers', () => {
  it('writes sheet and numbers, and says which layer is the chosen one', async () => {
    const [png, json] = [join(folder, 'sheet.png'), join(folder, 'numbers.json')]
    const { status, stderr } = await sess(['layers', photo, '--target', 'espresso', '-o', png, '-o', json])
    expect(status).toBe(0)
    expect(stderr).toBe(`sess: ${photo}: espresso (193), grad-cam at 22 layers, chosen: features -> ${png}, ${json}\n`)
    expect((await sharp(png).metadata()).width).toBe(2 * 24 + 190 + 4 * (16 + 360))
    const numbers = JSON.parse(readFileSync(json, 'utf8'))
    expect(numbers).toMatchObject({ schema: 1, method: 'grad-cam', chosen: { name: 'features', reason: 'manifest' } })
    expect(numbers.layers).toHaveLength(22)
    expect(numbers.layers[0]).toMatchObject({
      name: 'features',
      channels: 512,
      height: 8,
      topShare: expect.any(Number),
    })
  })

  it('prints the numbers on one line with --json', async () => {
    const png = join(folder, 'other.webp')
    const { stdout } = await sess(['layers', photo, '--json', '--quiet', '-o', png])
    expect(stdout.trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(stdout)).toMatchObject({ outputs: [png], target: { label: 'espresso' } })
  })

  it.each<[string, readonly string[], number, RegExp]>([
    ['an output of another kind', [photo, '-o', 'maps.npy'], 2, /OPTION_INVALID: -o is "maps.npy"/],
    ['to write over its input', [photo, '-o', photo], 2, /OPTION_INVALID/],
    ['an unknown method', [photo, '--method', 'grab-cam'], 2, /OPTION_INVALID: --method is "grab-cam"/],
    ['a method that reads no layer', [photo, '--method', 'gradient'], 2, /gradient reads no layer/],
    ['a photo that is not there', ['/nowhere.jpg'], 1, /IMAGE_UNREADABLE/],
  ])('refuses %s', async (_, argv, expected, message) => {
    const before = readFileSync(photo)
    const { status, stderr } = await sess(['layers', ...argv])
    expect(status).toBe(expected)
    expect(stderr).toMatch(message)
    expect(readFileSync(photo).equals(before)).toBe(true)
    expect(existsSync('docs/photos/coffee.layers.png')).toBe(false)
  })
})
