import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mapsOf, readPage } from '../report/read.ts'
import { sess } from './context.ts'

let folder: string
let photo: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-html-'))
  photo = join(folder, 'both.jpg')
  copyFileSync(join(import.meta.dirname, '../../docs/photos/both.jpg'), photo)
})
afterEach(() => rmSync(folder, { recursive: true }))

const read = (name: string) => readPage(readFileSync(join(folder, name), 'utf8')).document

describe('-o report.html', () => {
  it('of explain is one for each target, beside what else is asked for', async () => {
    const out = ['-o', join(folder, 'r.html'), '-o', join(folder, 'r.json')]
    const targets = ['--target', 'espresso', '--target', 'Egyptian cat']
    const { status, stderr } = await sess(['explain', photo, ...targets, '--scales', '2', '--objects', ...out])
    expect(status).toBe(0)
    expect(stderr).toContain(`-> ${join(folder, 'r.espresso.html')}, ${join(folder, 'r.espresso.json')}\n`)
    expect(readdirSync(folder).sort()).toEqual([
      'both.jpg',
      'r.egyptian-cat.html',
      'r.egyptian-cat.json',
      'r.espresso.html',
      'r.espresso.json',
    ])
    const [map] = mapsOf(read('r.egyptian-cat.html'))
    expect(read('r.egyptian-cat.html').title).toBe('both.jpg: Egyptian cat (32)')
    const numbers = JSON.parse(readFileSync(join(folder, 'r.egyptian-cat.json'), 'utf8'))
    expect(map?.windows?.count).toBe(numbers.windows.length)
    expect(map?.objects).toEqual(
      numbers.objects.map(({ box, share, peak }: { box: object; share: number; peak: { value: number } }) => ({
        box,
        share,
        peak: peak.value,
      })),
    )
    expect(map?.again.text).toContain(`--output ${join(folder, 'r.egyptian-cat.html')} --target 32`)
  })

  it('of compare has a map for each cell, and of layers for each layer', async () => {
    const [compared, layers] = [join(folder, 'c.html'), join(folder, 'l.html')]
    const few = ['--methods', 'grad-cam,gradient', '--scales', '1', '--quiet', '-o', compared]
    expect(await sess(['compare', photo, ...few])).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(mapsOf(read('c.html')).map(({ name }) => name)).toEqual([
      'Grad-CAM, base',
      'Grad-CAM, SESS',
      'Gradient, base',
      'Gradient, SESS',
    ])
    expect(await sess(['layers', photo, '--quiet', '-o', layers])).toMatchObject({ status: 0 })
    expect(mapsOf(read('l.html'))).toHaveLength(22)
  })

  it('of patches has a map for each model and method, and the line that makes all of them again', async () => {
    const [page, json] = [join(folder, 'p.html'), join(folder, 'p.json')]
    const asked = ['--method', 'grad-cam', '--method', 'hires-cam', '--scales', '3', '--target', 'espresso']
    const { status, stderr } = await sess(['patches', photo, ...asked, '-o', page, '-o', json])
    expect(status).toBe(0)
    expect(stderr).toContain(`${photo} -> ${page}, ${json}\n`)
    const { again, subtitle } = read('p.html')
    const maps = mapsOf(read('p.html'))
    expect(subtitle).toContain('2 maps; model tiny200')
    expect(maps.map(({ name }) => name)).toEqual(['tiny200, SESS + Grad-CAM', 'tiny200, SESS + HiResCAM'])
    expect(again?.text).toContain('--method grad-cam --method hires-cam')
    expect(maps[1]?.again.text).toMatch(/^sess explain .*--method hires-cam/)
    const { runs, windows: listed } = JSON.parse(readFileSync(json, 'utf8'))
    for (const [i, { groups, windows }] of maps.entries()) {
      const { atPeak, peak } = runs[i]
      const facts = groups.find(({ title }) => title === 'Robustness')?.facts ?? []
      expect(windows?.count).toBe(listed.filter(({ run }: { run: number }) => run === i).length)
      expect(Object.fromEntries(facts.map(({ name, value }) => [name, value]))).toMatchObject({
        "the map's highest pixel": `(${peak.x}, ${peak.y})`,
        'windows that contain it': `${atPeak.windows}`,
        'of these over half the best score': expect.stringMatching(new RegExp(`^${atPeak.high} \\(`)),
      })
    }
  })

  it('cannot go where no file can, and nothing is left', async () => {
    const { status, stderr } = await sess(['explain', photo, '-o', join(folder, 'no/r.html')])
    expect(status).toBe(1)
    expect(stderr).toMatch(/OUTPUT_UNWRITABLE/)
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })
})
