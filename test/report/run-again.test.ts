import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, property, string } from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandLine, explainFlags, shellQuoted } from '../../src/report/run-again.ts'
import type { ResolvedOptions } from '../../src/resolved-options.ts'
import { sess } from '../cli/context.ts'
import { mapsOf, readPage } from './read.ts'

/** The words that a shell makes of a line. */
function words(line: string): readonly string[] {
  const script = `words=(${line}); printf '%s\\0' "\${words[@]}"`
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

describe('a quoted word', () => {
  it.each([
    'photo.jpg',
    'two words',
    "it's",
    '$(rm -rf x) `y` "z" \\',
    '*?[]{}~#!&;|<>()',
    '\n\t\x1b[31m\x7f',
    "a\\b'c\nd",
    '\u202egnp.exe',
    '-n',
    'tête à tête 漢字',
  ])('%j is one word of a shell', (word) => {
    expect(words(shellQuoted(word))).toEqual([word])
  })

  it('is any text without NUL', () => {
    // Many in one line: starting a shell for each takes long
    const texts = new Set<string>()
    assert(
      property(string({ unit: 'binary', minLength: 1, maxLength: 12 }), (text) => void texts.add(text)),
      {
        numRuns: 500,
        seed: 1,
      },
    )
    const usable = [...texts].filter((text) => !text.includes('\0'))
    expect(words(usable.map(shellQuoted).join(' '))).toEqual(usable)
  })

  it('has no control character, and nothing that turns text around', () => {
    expect(shellQuoted('\x1b[31m\n\u202e\x9b')).toMatch(/^[ -~]+$/)
  })
})

describe('a command line', () => {
  it('has flags by their names, lists with commas, and the photo last', () => {
    const flags = {
      ...{ model: 'my model.onnx', preFilter: 0.5, scales: [64, 80], target: ['a b', '3'], alphaByValue: true },
      ...{ smooth: false, sess: true, layer: undefined, range: [-1, 1] },
    }
    expect(commandLine('explain', 'a photo.jpg', flags)).toBe(
      "sess explain --model 'my model.onnx' --pre-filter 0.5 --scales 64,80 --target 'a b' --target 3 " +
        "--alpha-by-value --no-smooth --range=-1,1 'a photo.jpg'",
    )
  })

  it('has an end of options before a photo that looks like one', () => {
    expect(commandLine('explain', '-x.jpg', {})).toBe('sess explain -- -x.jpg')
  })
})

describe('only the library can say', () => {
  const usual = { method: 'grad-cam', target: 1, smooth: { size: 11, sigma: 5 }, against: undefined }
  it.each<[string, object]>([
    ['a smoothing of its own', { smooth: { size: 5, sigma: 5 } }],
    ['a weight of the other class', { against: [{ target: 2, weight: 0.5 }] }],
    [
      'several other classes',
      {
        against: [
          { target: 2, weight: 1 },
          { target: 3, weight: 1 },
        ],
      },
    ],
  ])('%s', (_, change) => {
    expect(explainFlags({ ...usual, ...change } as ResolvedOptions)).toBeUndefined()
    expect(explainFlags({ ...usual } as ResolvedOptions)).toBeDefined()
  })
})

describe('the command of a report', () => {
  let folder: string
  const photo = "it's a \u202e\x1b[1m photo.png"
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sess-again-'))
    await sharp('docs/photos/coffee.png').resize(150, 100).toFile(join(folder, photo))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  async function again(argv: readonly string[]): Promise<void> {
    const path = join(folder, 'report.html')
    const first = await sess([...argv, '-o', path, '--quiet'])
    expect(first).toEqual({ status: 0, stdout: '', stderr: '' })
    const html = readFileSync(path, 'utf8')
    const { document, floats } = readPage(html)
    rmSync(path)
    const text = document.again?.text ?? mapsOf(document)[0]?.again.text ?? ''
    expect(text).toMatch(/^[ -~]+$/)
    const second = await sess([...words(text).slice(1), '--quiet'])
    expect(second).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(existsSync(path)).toBe(true)
    const other = readPage(readFileSync(path, 'utf8'))
    expect(mapsOf(other.document)).toHaveLength(mapsOf(document).length)
    for (const [i, { grid, again, range }] of mapsOf(document).entries()) {
      const same = mapsOf(other.document)[i]
      expect(same?.again).toEqual(again)
      expect(same?.range).toEqual(range)
      expect(other.floats(same?.grid.block ?? '')).toEqual(floats(grid.block))
    }
  }

  it.each<[string, readonly string[]]>([
    ['the defaults', []],
    ['one scale', ['--scales', '90', '--target', 'espresso']],
    ['many options', ['--scales', '64,70,100', '--step', '32,64', '--pre-filter', '0.3', '--theta', '0.05']],
    ['another fusion without smoothing', ['--fusion', 'max', '--no-smooth', '--no-antialias', '--scales', '3']],
    ['a method with settings', ['--method', 'score-cam', '--top-channels', '5', '--scales', '1', '--batch', '3']],
    ['a seed', ['--method', 'smoothgrad', '--samples', '3', '--seed', '7', '--scales', '2']],
    ['another class', ['--against', 'teapot', '--target', 'espresso', '--scales', '2', '--theta', '0.0000001']],
    ['no SESS', ['--no-sess', '--method', 'layer-cam', '--colormap', 'viridis', '--range=-1,2', '--alpha-by-value']],
    [
      'what overrides a manifest',
      ['--mean', '0.5,0.4,0.3', '--std', '0.2,0.2,0.2', '--objects', '0.4', '--scales', '2'],
    ],
  ])('explain with %s makes the same map', async (_, options) => {
    await again(['explain', join(folder, photo), ...options])
  })

  it.each<[string, readonly string[]]>([
    ['the defaults', ['--methods', 'grad-cam', '--scales', '2']],
    [
      'steps and fusions',
      ['--methods', 'grad-cam,gradient', '--scales', '64,90', '--step', '32,64', '--fusion', 'mean,max'],
    ],
    ['a setting', ['--methods', 'group-cam', '--groups', '4', '--scales', '1', '--no-smooth', '--colormap', 'turbo']],
  ])('compare with %s makes the same maps', async (_, options) => {
    await again(['compare', join(folder, photo), ...options])
  })

  it('layers makes the same maps', async () => {
    await again(['layers', join(folder, photo), '--method', 'layer-cam', '--target', '5', '--alpha', '0.3'])
  })

  it('one map of a comparison is what explain makes of its own command', async () => {
    const path = join(folder, 'compared.html')
    await sess(['compare', join(folder, photo), '--methods', 'grad-cam', '--scales', '2', '-o', path])
    const { document, floats } = readPage(readFileSync(path, 'utf8'))
    const [, sessMap] = mapsOf(document)
    const [, command = '', ...rest] = words(sessMap?.again.text ?? '')
    const alone = join(folder, 'alone.html')
    expect(await sess([command, ...rest, '-o', alone, '--quiet'])).toMatchObject({ status: 0 })
    const explained = readPage(readFileSync(alone, 'utf8'))
    expect(explained.floats(mapsOf(explained.document)[0]?.grid.block ?? '')).toEqual(floats(sessMap?.grid.block ?? ''))
  })
})
