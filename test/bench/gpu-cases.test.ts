import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCases } from '../native-cases.ts'

describe('cases for a GPU host', { timeout: 60_000 }, () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sess-cases-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = async (...options: string[]) => {
    const { status, stderr } = await runCases(folder, '--scales', '1', ...options)
    expect({ status, stderr }).toMatchObject({ status: 0 })
  }
  /** The file that a case names on its line `key`, last of its words. */
  const named = (method: string, key: string) => {
    const text = readFileSync(join(folder, `tiny200.${method}.1-scales.case`), 'utf8')
    return join(folder, new RegExp(`^${key} (?:.* )?(\\S+)$`, 'm').exec(text)?.[1] ?? '')
  }
  const pixels = async (path: string) => await sharp(path).removeAlpha().raw().toBuffer()

  it('keep photos of one name apart', async () => {
    for (const [place, photo, method] of [
      ['a', 'coffee', 'grad-cam'],
      ['b', 'chelsea', 'layer-cam'],
    ] as const) {
      mkdirSync(join(folder, place))
      copyFileSync(`docs/photos/${photo}.png`, join(folder, place, 'photo.png'))
      await write('--photo', join(folder, place, 'photo.png'), '--method', method)
    }
    expect(readFileSync(named('grad-cam', 'photo')).equals(await pixels('docs/photos/coffee.png'))).toBe(true)
    expect(readFileSync(named('layer-cam', 'photo')).equals(await pixels('docs/photos/chelsea.png'))).toBe(true)
  })

  it('share the photo and the bare model', async () => {
    await write('--method', 'grad-cam', '--method', 'layer-cam')
    expect(named('layer-cam', 'photo')).toBe(named('grad-cam', 'photo'))
    expect(named('layer-cam', 'bare')).toBe(named('grad-cam', 'bare'))
    expect(named('layer-cam', 'graph')).not.toBe(named('grad-cam', 'graph'))
  })

  it('take no graph that an earlier run left', async () => {
    await write('--method', 'grad-cam')
    const graph = readFileSync(named('grad-cam', 'graph'))
    for (const path of [named('grad-cam', 'graph'), join(folder, 'tiny200.grad-cam.onnx')]) writeFileSync(path, 'old')
    await write('--method', 'grad-cam')
    expect(readFileSync(named('grad-cam', 'graph')).equals(graph)).toBe(true)
  })

  it('of one name are refused', async () => {
    const { status, stderr } = await runCases(folder, '--scales', '1', '--model', 'tiny200', '--method', 'grad-cam')
    expect(status).toBe(1)
    expect(stderr).toContain('tiny200.grad-cam.1-scales: two cases have this name')
  })
})
