import { afterAll, describe, expect, it } from 'vitest'
import { type ComparedCell, Comparison } from '../../src/comparison.ts'
import type { Photo } from '../../src/io/photo.ts'
import { Device } from '../../src/native.ts'
import { colormapTable } from '../../src/render/colormaps.ts'
import { comparisonSheet } from '../../src/render/comparison-sheet.ts'
import { drawSheet, type Sheet } from '../../src/render/sheet.ts'
import type { ResolvedOptions } from '../../src/resolved-options.ts'
import { makePlan } from '../../src/sess/plan.ts'
import { inkOf, type Pixels, pixelsOf } from './pixels.ts'

const device = new Device({ type: 'cpu', threads: 1 })
afterAll(() => device.dispose())

const grey = (height: number, width: number, channels: 3 | 4 = 3): Photo => ({
  data: new Uint8Array(height * width * channels).fill(100),
  height,
  width,
  channels,
})
const mapOf = (photo: Photo, value: number) => ({
  data: new Float32Array(photo.height * photo.width).fill(value),
  height: photo.height,
  width: photo.width,
})
const caption = [{ text: 'tabby', tail: ', 12.5 %' }, { text: '0.41 s' }]
const sheetOf = (photo: Photo, values: readonly number[]): Sheet => ({
  title: { text: 'photo.jpg: tabby', tail: ' (281), 12.5 %' },
  subtitle: { text: 'a model' },
  columns: ['Photo', ...values.map((value) => `Map ${value}`)],
  rows: [
    {
      title: 'Grad-CAM',
      details: ['layer features', '12 scales, 64 to 265'],
      cells: [{ map: undefined, caption }, ...values.map((value) => ({ map: mapOf(photo, value), caption }))],
    },
  ],
})
const draw = async (photo: Photo, sheet: Sheet) => await pixelsOf(await drawSheet(device, photo, sheet, { alpha: 1 }))

/** Colours of the picture in the middle of each column, at `y`. */
const columnsAt = (pixels: Pixels, y: number, count: number) =>
  Array.from({ length: count }, (_, i) => pixels.at(24 + 190 + 16 + i * 376 + 180, y))
const highest = [...colormapTable('inferno').subarray(-3)]

describe.each<[string, Photo]>([
  ['of one pixel', grey(1, 1)],
  ['one pixel high', grey(1, 2000)],
  ['one pixel wide', grey(2000, 1)],
  ['of a common size', grey(426, 640)],
  ['larger than its picture', grey(900, 1200)],
  ['with alpha', grey(30, 40, 4)],
])('the sheet of a photo %s', (_, photo) => {
  it('is as wide as its columns, and leaves the margin white', async () => {
    const pixels = await draw(photo, sheetOf(photo, [0.5, 0.25]))
    expect(pixels.width).toBe(2 * 24 + 190 + 3 * (16 + 360))
    const ink = inkOf(pixels)
    expect(ink?.left).toBeGreaterThanOrEqual(24)
    expect(ink?.top).toBeGreaterThanOrEqual(24)
    expect(ink?.right).toBeLessThan(pixels.width - 24)
    expect(ink?.bottom).toBeLessThan(pixels.height - 24)
  })

  it('shows the photo, and each map up to its own maximum', async () => {
    const pixels = await draw(photo, sheetOf(photo, [0.5, 0.25]))
    const seen = Array.from({ length: pixels.height }, (_, y) => columnsAt(pixels, y, 3).map(String).join(' | '))
    const plain = photo.channels === 4 ? [194, 194, 194] : [100, 100, 100]
    expect(seen).toContain([plain, highest, highest].map(String).join(' | '))
  })
})

it('a map that is zero everywhere is not painted: the photo is shown, and there is no colour bar', async () => {
  const photo = grey(20, 20)
  const [blank, painted] = [await draw(photo, sheetOf(photo, [0])), await draw(photo, sheetOf(photo, [1]))]
  const colours = (pixels: Pixels) => {
    let count = 0
    for (let y = 0; y < pixels.height; y++) {
      for (let x = 600; x < pixels.width; x++) {
        const [r, g, b] = pixels.at(x, y)
        if (Math.max(r, g, b) - Math.min(r, g, b) > 30) count++
      }
    }
    return count
  }
  expect(colours(blank)).toBe(0)
  expect(colours(painted)).toBeGreaterThan(360 * 360)
})

it('long texts stay in their columns', async () => {
  const photo = grey(20, 20)
  const long = 'Staffordshire bullterrier, Staffordshire bull terrier, and what else it is called in the show ring'
  const sheet = sheetOf(photo, [1])
  const [row] = sheet.rows
  const pixels = await draw(photo, {
    title: { text: long.repeat(3), tail: ' (179), 99.9 %' },
    subtitle: { text: long.repeat(3) },
    columns: [long, long],
    rows: [
      {
        title: long,
        details: [long, long],
        cells: (row?.cells ?? []).map(({ map }) => ({
          map,
          caption: [{ text: long, tail: ', 99.9 %' }, { text: long }],
        })),
      },
    ],
  })
  const gaps = [24 + 190 + 1, 24 + 190 + 16 + 360 + 1].flatMap((x) => Array.from({ length: 14 }, (_, i) => x + i))
  for (const x of [...gaps, pixels.width - 24]) {
    // Below the title, which runs over all columns
    for (let y = 85; y < pixels.height; y++) expect(pixels.at(x, y)).toEqual([255, 255, 255])
  }
})

describe('the sheet of a comparison', () => {
  const photo = grey(100, 120)
  const plan = (options: object) =>
    makePlan(
      photo,
      { height: 64, width: 64 },
      {
        ...{ scales: [64, 80], step: undefined, antialias: true, sess: true, batch: 4, maxWindows: 100, passes: 1 },
        ...options,
      },
    )
  const options: ResolvedOptions = {
    ...{ method: 'grad-cam', layer: 'features', target: 3, against: undefined, seed: undefined, sess: false },
    ...{ scales: undefined, step: undefined, preFilter: undefined, theta: undefined, fusion: undefined },
    ...{ smooth: undefined, antialias: undefined, batch: 1, maxWindows: 1, maxPixels: 1, keepMaps: false },
  }
  const map = mapOf(photo, 0.5)
  const facts = {
    layer: 'features',
    map,
    maximum: 0.5,
    topShare: 0.1,
    windows: [],
    nonfinite: [],
    preFilter: 0,
    isMost: false,
    headForwards: 0,
    options,
  }
  const base = (method: string): ComparedCell => ({
    ...{ ...facts, method, title: method.toUpperCase(), kind: 'base', plan: plan({ sess: false }) },
    ...{ probability: 0.25, forwards: 1, seconds: 0.004 },
  })
  const sess = (method: string, step: number, fusion: 'mean' | 'average', more: object = {}): ComparedCell => ({
    ...{ ...facts, method, title: method.toUpperCase(), kind: 'sess', plan: plan({ step: [step, step] }), fusion },
    ...{ step: [step, step], probability: 0.875, forwards: 9, seconds: 1.234, ...more },
  })
  const sheet = (cells: readonly ComparedCell[], label: string | undefined = 'tabby') => {
    const target = { index: 281, label, logit: 3, probability: 0.25 }
    return comparisonSheet(
      new Comparison({ photo, model: 'tiny', target, against: [], cells, forwards: 20, seconds: 12.3 }),
      'p.jpg',
    )
  }

  it('has a row for each method, and says what its cells have in common', () => {
    const { title, subtitle, columns, rows } = sheet([
      ...[base('cam'), sess('cam', 64, 'mean')],
      ...[base('score-cam'), sess('score-cam', 64, 'mean', { preFilter: 0.5, topShare: null })],
    ])
    expect(title).toEqual({ text: 'p.jpg: tabby', tail: ' (281), 25.0 %' })
    expect(subtitle).toEqual({ text: 'tiny', tail: ', 120 × 100 pixels; 20 forward passes in 12 s' })
    expect(columns).toEqual(['Photo', 'Base', 'SESS'])
    expect(rows.map((row) => row.title)).toEqual(['CAM', 'SCORE-CAM'])
    expect(rows.map((row) => row.details)).toEqual([
      ['layer features', '2 scales, 64 to 80', 'step 64'],
      ['layer features', '2 scales, 64 to 80', 'step 64', 'pre-filter 0.5'],
    ])
    expect(rows[0]?.cells.map(({ caption }) => caption.map(({ text, tail = '' }) => text + tail))).toEqual([
      ['tabby, 25.0 %'],
      ['tabby, 25.0 %', '4.0 ms, 1 forward pass', 'top 10 % of the pixels hold 10.0 %'],
      ['tabby, 87.5 % in its best window', '1.23 s, 9 forward passes', 'top 10 % of the pixels hold 10.0 %'],
    ])
    expect(rows[1]?.cells[2]?.caption).toHaveLength(2)
  })

  it('names steps and fusions in the columns where they differ', () => {
    const steps = sheet([base('cam'), sess('cam', 32, 'average'), sess('cam', 64, 'average')])
    expect(steps.columns).toEqual(['Photo', 'Base', 'SESS, step 32', 'SESS, step 64'])
    expect(steps.rows[0]?.details).toEqual(['layer features', '2 scales, 64 to 80', 'average'])
    const fusions = sheet([base('cam'), sess('cam', 64, 'mean'), sess('cam', 64, 'average')])
    expect(fusions.columns).toEqual(['Photo', 'Base', 'SESS, mean', 'SESS, average'])
    const all = [32, 64].flatMap((step) => (['mean', 'average'] as const).map((fusion) => sess('cam', step, fusion)))
    expect(sheet([base('cam'), ...all]).columns.slice(2)).toEqual([
      ...['SESS, step 32, mean', 'SESS, step 32, average', 'SESS, step 64, mean', 'SESS, step 64, average'],
    ])
  })

  it('says how many of the passes run only the part behind the layer', () => {
    const made = sheet([base('grad-cam'), { ...base('ablation-cam'), forwards: 65, headForwards: 64, isMost: true }])
    const lines = made.rows.map(({ cells }) =>
      cells
        .at(-1)
        ?.caption.map(({ text }) => text)
        .slice(1, 3),
    )
    expect(lines[1]).toEqual([expect.stringContaining('up to 65 forward passes'), '64 of them only behind the layer'])
    expect(lines[0]?.join()).not.toContain('behind')
  })

  it('without labels names the class by its index', () => {
    const comparison = { index: 281, label: undefined, logit: 3, probability: Number.NaN }
    const made = comparisonSheet(
      new Comparison({
        photo,
        model: 'tiny',
        target: comparison,
        against: [],
        cells: [base('cam')],
        forwards: 1,
        seconds: 1,
      }),
    )
    expect(made.title).toEqual({ text: 'class 281', tail: ', not finite' })
  })
})
