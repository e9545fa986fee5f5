import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Explainer, type Explanation, type LoadOptions } from '../../src/index.ts'
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

/** As if it were of another photo. */
function smaller(explanation: Explanation): Explanation {
  return Object.create(explanation, { map: { value: { ...explanation.map, width: 1 } } })
}

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

  it('of patches names each model’s own class', async () => {
    const other = join(import.meta.dirname, '../../models/tiny200/tiny200.onnx')
    const renamed = join(folder, 'renamed.onnx')
    copyFileSync(other, renamed)
    const labels = join(folder, 'labels.txt')
    writeFileSync(labels, Array.from({ length: 200 }, (_, i) => `thing ${i}`).join('\n'))
    const explained = async (options: LoadOptions) => {
      const explainer = await Explainer.load(renamed, options)
      const explanation = await explainer.explain(photo, { target: 193, scales: 1, keepMaps: true })
      return { explanation, info: explainer.info, dispose: () => explainer.dispose() }
    }
    const one = await explained({ labels })
    const two = await explained({})
    const page = await one.explanation.report({ title: 'both.jpg', beside: [two] }).toBuffer()
    await Promise.all([one.dispose(), two.dispose()])
    const { document } = readPage(page.toString())
    expect(document.title).toBe('both.jpg: thing 193 (193), class 193')
    expect(document.subtitle).toBe('2 maps; model renamed')
    const classes = mapsOf(document).map(
      ({ groups }) => groups.find(({ title }) => title === 'Target')?.facts.find(({ name }) => name === 'class')?.value,
    )
    expect(classes).toEqual(['thing 193 (193)', 'class 193'])
    expect(() => one.explanation.report({ beside: [{ explanation: smaller(two.explanation) }] })).toThrow(/beside is/)
  })

  it('stops while it is made, and another call still gets the page', async () => {
    const explainer = await Explainer.load()
    const explanation = await explainer.explain(photo, { scales: 2 })
    await explainer.dispose()
    const report = explanation.report()
    const controller = new AbortController()
    const stopped = report.toBuffer({ signal: controller.signal })
    const whole = report.toBuffer()
    setImmediate(() => controller.abort())
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await whole).toString('latin1')).toContain('</html>')
  })

  it('cannot go where no file can, and nothing is left', async () => {
    const { status, stderr } = await sess(['explain', photo, '-o', join(folder, 'no/r.html')])
    expect(status).toBe(1)
    expect(stderr).toMatch(/OUTPUT_UNWRITABLE/)
    expect(readdirSync(folder)).toEqual(['both.jpg'])
  })
})
