import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/index.ts'
import { sess } from '../cli/context.ts'
import { chromiumMissing, type OpenedReport, Reports } from './chromium.ts'
import { madeUp } from './explained.ts'

const hostile = [
  `<img src=x onerror=alert(1)>`,
  `</script><script>alert(2)</script>`,
  `<!--<script>`,
  `"'&lt;&amp;`,
  '\u202egnp.exe',
  '\x1b[31mred\x1b]0;title\x07\x9b2J',
  'two\nlines\r\u2028',
] as const
const label = hostile.join(' ')
/** As it is to be read. */
const shown = [
  ...hostile.slice(0, 4),
  '\\u202egnp.exe',
  '\\x1b[31mred\\x1b]0;title\\x07\\x9b2J',
  'two\\x0alines\\x0d\\u2028',
].join(' ')
/** What a terminal obeys: controls but line ends, and what turns text around. */
const steering = /(?!\n)[\p{Cc}\u2028-\u202e\u2066-\u2069]/u

let folder: string
let photo: string
let labels: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-names-'))
  // Names of files have no slash
  photo = join(folder, `${label.replaceAll('/', '∕').slice(0, 80)}\x1b[5m.jpg`)
  copyFileSync('docs/photos/both.jpg', photo)
  labels = join(folder, 'labels.json')
  const all = Array.from({ length: 200 }, (_, i) => (i === 193 ? label : `class ${i} ${label}`))
  writeFileSync(labels, JSON.stringify(all))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('names of files and labels stay text on the terminal', () => {
  it.each<[string, (photo: string) => readonly string[]]>([
    ['explain', (path) => ['explain', path, '--target', '193', '--scales', '1']],
    ['explain --json', (path) => ['explain', path, '--target', '193', '--scales', '1', '--json']],
    ['explain --plan', (path) => ['explain', path, '--plan']],
    ['explain of a missing file', (path) => ['explain', `${path}x`]],
    ['explain of a missing file, --verbose', (path) => ['explain', `${path}x`, '--verbose', '--json']],
    ['explain of no target', (path) => ['explain', path, '--target', `${label}x`]],
    ['an option that is none', () => [`--${label}`]],
    ['classify', (path) => ['classify', path, path]],
    ['classify --json', (path) => ['classify', path, '--json']],
    ['compare', (path) => ['compare', path, '--methods', 'grad-cam', '--scales', '1', '--target', '193']],
    ['layers', (path) => ['layers', path, '--target', '193']],
    ['models info', (path) => ['models', 'info', path]],
  ])('%s', async (_, argv) => {
    const own = ['explain', 'classify', 'compare', 'layers'].includes(argv('')[0] ?? '') ? ['--labels', labels] : []
    const { stdout, stderr } = await sess([...argv(photo), ...own])
    expect(`${stdout}${stderr}`).not.toBe('')
    expect(stdout).not.toMatch(steering)
    expect(stderr).not.toMatch(steering)
    // No line of the output begins with what a name has after its line end
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('lines'))).toEqual([])
  })

  it('a manifest with a title of others', async () => {
    const path = join(folder, 'net.onnx')
    const { path: known } = JSON.parse((await sess(['models', 'path', 'tiny200', '--json'])).stdout)
    copyFileSync(known, path)
    const manifest = { schema: 1, id: 'net', file: 'net.onnx', title: label, licence: label, source: label }
    writeFileSync(join(folder, 'net.json'), JSON.stringify(manifest))
    const { status, stdout } = await sess(['models', 'info', path])
    expect(status).toBe(0)
    expect(stdout).toContain(shown)
    expect(stdout).not.toMatch(steering)
  })
})

it('names in --json are the names themselves', async () => {
  const { stdout } = await sess(['classify', photo, '--json', '--top', '200', '--labels', labels])
  const { image, classes } = JSON.parse(stdout)
  expect(image.name).toBe(photo)
  expect(classes.find(({ index }: { index: number }) => index === 193).label).toBe(label)
})

describe.skipIf(chromiumMissing)(`they stay text in a report${chromiumMissing ? `: ${chromiumMissing}` : ''}`, () => {
  let reports: Reports
  let explainer: Explainer
  let opened: OpenedReport
  beforeAll(async () => {
    reports = await Reports.start()
    explainer = await Explainer.load('tiny200', { labels })
    const explanation = await explainer.explain(photo, { target: 193, scales: 1 })
    const origin = { image: photo, flags: { model: label, labels } }
    opened = await reports.open(explanation.report({ title: label, origin }))
  })
  afterAll(async () => {
    await reports?.stop()
    await explainer?.dispose()
  })

  it('nothing of them runs, and no element is made of them', async () => {
    const { page, complaints, requests, url } = opened
    expect(complaints).toEqual([])
    expect(requests).toEqual([url])
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.locator('body script:not([type])').count()).toBe(1)
  })

  it('and if something ran, the policy would keep it in', async () => {
    const { page } = await reports.open((await madeUp({ height: 20, width: 30, value: () => 0.5 })).report())
    const refused = await page.evaluate<readonly string[]>(`(async () => {
      const refused = []
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => refused.push(effectiveDirective))
      await fetch('http://127.0.0.1:9/').catch(() => {})
      document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))
      document.body.append(Object.assign(document.createElement('div'), { innerHTML: '<b onclick="1"></b>' }))
      await new Promise((resolve) => setTimeout(resolve, 100))
      return [...refused, String(window.ran)]
    })()`)
    expect([...refused].sort()).toEqual(['connect-src', 'img-src', 'script-src-attr', 'script-src-elem', 'undefined'])
  })

  it('they are read as they are, what is hidden as escapes', async () => {
    expect(await opened.page.locator('h1').textContent()).toBe(`${shown}: ${shown} (193)`)
    expect(await opened.page.title()).toBe(`${shown}: ${shown} (193)`.replaceAll(/\s+/g, ' '))
    const text = (await opened.page.locator('main').textContent()) ?? ''
    expect(text).not.toMatch(steering)
    expect(text).toContain('<img src=x onerror=alert(1)>')
  })

  it('the name of a layer, in the call that makes a map again', async () => {
    const explanation = await madeUp({ height: 20, width: 30, value: () => 0.5 })
    Object.assign(explanation, { layer: label, options: { ...explanation.options, layer: label } })
    const { page, complaints } = await reports.open(explanation.report())
    const call = await page.locator('.again code').innerText()
    expect(call).not.toMatch(steering)
    expect(JSON.parse(/explain\(photo, (.*)\)$/s.exec(call)?.[1] ?? '').layer).toBe(label)
    expect((await page.locator('main').textContent()) ?? '').not.toMatch(steering)
    expect(complaints).toEqual([])
  })

  it('in a comparison and in layers, too', async () => {
    const comparison = await explainer.compare(photo, { methods: ['grad-cam'], scales: 1, target: 193 })
    const layers = await explainer.layers(photo, { target: 193 })
    for (const report of [comparison.report({ title: label, command: label }), layers.report({ title: label })]) {
      const { page, complaints, requests, url } = await reports.open(report)
      expect(await page.locator('h1').textContent()).toBe(`${shown}: ${shown} (193)`)
      expect([complaints, requests]).toEqual([[], [url]])
    }
  })

  it('a report that the command line writes for such a file opens', async () => {
    const path = join(folder, 'out.html')
    const { status } = await sess(['explain', photo, '--scales', '1', '--labels', labels, '-o', path, '--quiet'])
    expect(status).toBe(0)
    expect(readFileSync(path, 'utf8')).not.toMatch(/<img|<\/script><script>alert/)
  })
})
