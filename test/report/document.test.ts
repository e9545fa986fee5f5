import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer, type ExplainOptions, type Explanation } from '../../src/index.ts'
import { colormaps, colormapTable } from '../../src/render/colormaps.ts'
import { windowColumns } from '../../src/report/document.ts'
import { explainedCup, madeUp } from './explained.ts'
import { factOf, mapsOf, readPage } from './read.ts'

const pageOf = async (explanation: Explanation) => readPage((await explanation.report().toBuffer()).toString())
const ramp = (y: number, x: number) => ((y * 31 + x * 17) % 101) / 100

describe('the page', () => {
  it('is whole: what runs and what styles it is in it, and its policy forbids all else', async () => {
    const html = (await (await madeUp({ height: 20, width: 30, value: ramp })).report().toBuffer()).toString()
    const hash = (pattern: RegExp) =>
      createHash('sha256')
        .update(pattern.exec(html)?.[1] ?? '')
        .digest('base64')
    const script = hash(/<script>(.*?)<\/script>/s)
    const style = hash(/<style>(.*?)<\/style>/s)
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]
    expect(policy).toBe(
      `default-src 'none'; script-src 'sha256-${script}'; style-src 'sha256-${style}'; ` +
        "img-src data: blob:; base-uri 'none'; form-action 'none'",
    )
    expect(html).not.toMatch(/\ssrc=|url\(|@import|\son\w+="|\sstyle="/)
  })

  it('ends in .html, and nothing is left where it does not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-page-'))
    const explanation = await madeUp({ height: 20, width: 30, value: ramp })
    await expect(explanation.report().toFile(join(folder, 'x.htm'))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const stopped = explanation.report().toFile(join(folder, 'x.html'), { signal: AbortSignal.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(explanation.report().toFile(join(folder, 'no/x.html'))).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    })
    expect(readdirSync(folder)).toEqual([])
    rmSync(folder, { recursive: true })
  })

  it.each([
    ['colormap', { colormap: 'rainbow' }],
    ['alpha', { alpha: 2 }],
    ['range', { range: [1, 0] }],
  ])('is refused for a wrong %s before it is made', async (name, options) => {
    const explanation = await madeUp({ height: 20, width: 30, value: ramp })
    expect(() => explanation.report(options as object)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(() => explanation.report(options as object)).toThrow(name)
  })
})

describe('a map', () => {
  it.each([
    [1, 1],
    [1, 400],
    [33, 47],
  ])('of %i x %i is in it bit for bit', async (height, width) => {
    const explanation = await madeUp({ height, width, value: ramp })
    const { document, floats } = await pageOf(explanation)
    const [map] = mapsOf(document)
    expect(map?.grid).toMatchObject({ height, width, factor: 1 })
    expect(floats(map?.grid.block ?? '')).toEqual(explanation.map.data)
    expect(map?.range).toEqual([0, map?.maximum === 0 ? 1 : map?.maximum])
  })

  it('that is large has the means of squares, and the maximum of the whole', async () => {
    const explanation = await madeUp({
      height: 1100,
      width: 1500,
      value: (y, x) => (y === 700 && x === 900 ? 1 : 0.25),
    })
    const { document, floats } = await pageOf(explanation)
    const [map] = mapsOf(document)
    expect(map?.grid).toMatchObject({ height: 550, width: 750, factor: 2 })
    const values = floats(map?.grid.block ?? '')
    expect(values[350 * 750 + 450]).toBeCloseTo((1 + 3 * 0.25) / 4, 6)
    expect(values[0]).toBe(0.25)
    expect(map?.maximum).toBe(1)
  })

  it('that is zero everywhere says so by its maximum', async () => {
    const [map] = mapsOf((await pageOf(await madeUp({ height: 20, width: 30, value: () => 0 }))).document)
    expect(map).toMatchObject({ maximum: 0, range: [0, 1] })
  })
})

describe('the photo', () => {
  it.each([
    [20, 30, 20, 30],
    [1600, 2100, 1264, 1659],
    [2, 9000, 1, 4096],
  ])('of %i x %i is embedded as %i x %i', async (height, width, shownHeight, shownWidth) => {
    const { document, bytes } = await pageOf(await madeUp({ height, width, value: () => 0.5, scales: [20] }))
    expect(document.photo).toMatchObject({ height, width, shown: { height: shownHeight, width: shownWidth } })
    const picture = await sharp(bytes(document.photo.block)).metadata()
    expect(picture).toMatchObject({ format: 'jpeg', height: shownHeight, width: shownWidth })
  })
})

it('the colours are those of the overlays', async () => {
  const { document, bytes } = await pageOf(await madeUp({ height: 20, width: 30, value: ramp }))
  expect(document.colormaps.names).toEqual(colormaps)
  const tables = bytes(document.colormaps.block)
  for (const [i, name] of colormaps.entries()) {
    expect([...tables.subarray(768 * i, 768 * (i + 1))]).toEqual([...colormapTable(name)])
  }
})

describe('what a report says of a run', () => {
  let explainer: Explainer
  let explanation: Explanation
  beforeAll(async () => {
    explainer = await Explainer.load()
    explanation = await explainedCup(explainer)
  })
  afterAll(() => explainer?.dispose())

  it('has every window with what is known of it', async () => {
    const { document, floats } = await pageOf(explanation)
    const windows = mapsOf(document)[0]?.windows
    if (windows === undefined) throw new Error('no windows')
    const values = floats(windows.block)
    const column = (name: (typeof windowColumns)[number]) =>
      values.subarray(windowColumns.indexOf(name) * windows.count).subarray(0, windows.count)
    expect(windows.count).toBe(explanation.windows.length)
    expect(windows.levels).toEqual(explanation.plan.levels)
    for (const key of ['level', 'y', 'x', 'probability', 'weight'] as const) {
      expect(column(key)).toEqual(Float32Array.from(explanation.windows, (window) => window[key]))
    }
    expect([...column('kept')]).toEqual(explanation.windows.map(({ kept }) => (kept ? 1 : 0)))
    const top = await explanation.topWindows(1000)
    const shares = new Map(top.map(({ index, share }) => [index, share]))
    expect(column('share')).toEqual(Float32Array.from(explanation.windows, ({ index }) => shares.get(index) ?? 0))
    expect([...column('row')]).toEqual(explanation.windows.map((_, i) => i))
    expect(windows.maps).toMatchObject({ height: 8, width: 8 })
    expect(floats(windows.maps?.block ?? '').length).toBe(64 * windows.count)
  })

  it('states target, method, layer, plan, options, timings and versions', async () => {
    const page = await explanation.report({ info: explainer.info }).toBuffer()
    const { document } = readPage(page.toString())
    const [map] = mapsOf(document)
    if (map === undefined) throw new Error('no map')
    expect(document.title).toBe('photo: espresso (193)')
    expect(factOf(document, 'Target', 'model')).toBe('tiny200')
    expect(factOf(document, 'Target', 'photo')).toBe('640 × 426 pixels')
    expect(factOf(document, 'Model', 'device')).toMatch(/^(cpu, \d+ threads, \w+|cuda:\d+)$/)
    expect(factOf(document, 'Model', 'input')).toMatch(/, NCHW, 64 × 64 pixels$/)
    expect(factOf(map, 'Method', 'layer')).toBe('features')
    expect(factOf(map, 'Plan', 'windows')).toBe(String(explanation.windows.length))
    expect(factOf(map, 'Plan', 'scales')).toBe('64, 101, 137, 174')
    expect(factOf(map, 'Options', 'smooth')).toBe('{"size":11,"sigma":5}')
    expect(factOf(document, 'Timings', 'total')).toBe(`${explanation.timings.total.toFixed(1)} ms`)
    expect(factOf(document, 'Versions', 'node')).toBe(process.versions.node)
  })

  it('without an origin has the call that makes the map again', async () => {
    const { document } = await pageOf(explanation)
    const again = mapsOf(document)[0]?.again
    expect(again?.kind).toBe('call')
    const given: ExplainOptions & { readonly target: number } = JSON.parse(
      /explain\(photo, (.*)\)$/s.exec(again?.text ?? '')?.[1] ?? '',
    )
    const same = await explainer.explain('docs/photos/both.jpg', given)
    expect(same.map.data).toEqual(explanation.map.data)
  })

  it('of layers shows what is transparent on white', async () => {
    const clear = {
      create: { width: 40, height: 30, channels: 4 as const, background: { r: 9, g: 9, b: 9, alpha: 0 } },
    }
    const maps = await explainer.layers(await sharp(clear).png().toBuffer(), { target: 3 })
    const { document, bytes } = readPage((await maps.report().toBuffer()).toString())
    const { channels } = await sharp(bytes(document.photo.block)).stats()
    expect(channels.map(({ min }) => min)).toEqual([255, 255, 255])
  })

  it('has windows whose shares are not known', async () => {
    const { document, floats } = await pageOf(await madeUp({ height: 60, width: 70, value: ramp, scales: [16, 40] }))
    const windows = mapsOf(document)[0]?.windows
    const values = floats(windows?.block ?? '')
    const start = windowColumns.indexOf('share') * (windows?.count ?? 0)
    expect(values.subarray(start, start + (windows?.count ?? 0)).every(Number.isNaN)).toBe(true)
    expect(windows?.maps).toBeUndefined()
  })
})
