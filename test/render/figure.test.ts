import sharp, { type Sharp } from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { decode } from '../../src/io/decode.ts'
import type { Photo } from '../../src/io/photo.ts'
import { Device } from '../../src/native.ts'
import type { CaptionFacts } from '../../src/render/caption.ts'
import { colormapTable } from '../../src/render/colormaps.ts'
import { drawFigure } from '../../src/render/figure.ts'
import type { OverlayOptions } from '../../src/render/overlay.ts'
import { inkOf, type Pixels, pixelsOf } from './pixels.ts'

const device = new Device({ type: 'cpu', threads: 2 })
afterAll(() => device.dispose())

const long = 'Staffordshire bullterrier, Staffordshire bull terrier, and what else it is called in the show ring'
const facts = (label = 'tabby', layer = 'features'): CaptionFacts => ({
  target: { index: 281, label, logit: 3, probability: 0.125 },
  against: [],
  method: 'grad-cam',
  model: 'tiny200',
  layer,
  windows: [],
  options: {
    ...{ method: 'grad-cam', layer, target: 281, against: undefined, seed: undefined },
    ...{ scales: [64], step: [64, 64], preFilter: 0, theta: 0, fusion: 'mean', smooth: false, sess: true },
    ...{ antialias: true, batch: 1, maxWindows: 9, maxPixels: 9, keepMaps: false },
  },
})
const photoOf = (height: number, width: number): Photo => ({
  data: Uint8Array.from({ length: 3 * height * width }, (_, i) => (i * 97) % 256),
  height,
  width,
  channels: 3,
})
/** Values from 0 to `peak` over the rows. */
const rampOf = ({ height, width }: Photo, peak = 1) => ({
  data: Float32Array.from({ length: height * width }, (_, i) =>
    height * width === 1 ? peak : (peak * i) / (height * width - 1),
  ),
  height,
  width,
})
const draw = (photo: Photo, options: OverlayOptions = {}, map = rampOf(photo), said = facts()) =>
  drawFigure(device, photo, map, said, options)
const samplesOf = async (picture: Sharp) => new Uint8Array(await picture.raw().toBuffer())
/** All that is below the photo. */
function below({ width, height, at }: Pixels, top: number): Pixels {
  return { width, height: height - top, at: (x, y) => at(x, y + top) }
}

describe('the bare picture', () => {
  const photo = photoOf(17, 23)

  it('at alpha 0 is the photo, and at alpha 1 the colour map of the value, bit for bit', async () => {
    const map = { ...photo, data: Float32Array.from({ length: 17 * 23 }, (_, i) => (i % 256) / 255) }
    const clear = await draw(photo, { caption: false, alpha: 0 }, map)
    expect(await samplesOf(clear)).toEqual(photo.data)
    const opaque = await draw(photo, { caption: false, alpha: 1, range: [0, 1] }, map)
    const table = colormapTable('inferno')
    const expected = Array.from({ length: 17 * 23 }, (_, i) => [...table.subarray(3 * (i % 256), 3 * (i % 256) + 3)])
    expect([...(await samplesOf(opaque))]).toEqual(expected.flat())
  })

  it('of a map that is zero everywhere is the photo, whatever is asked for', async () => {
    const zero = { ...photo, data: new Float32Array(17 * 23) }
    const options = { caption: false, alpha: 1, contours: [0, 0.5], range: [-1, 1] } as const
    expect(await samplesOf(await draw(photo, options, zero))).toEqual(photo.data)
  })

  it('beside has the photo to the left, a white gap, and the overlay', async () => {
    const pixels = await pixelsOf(await draw(photo, { caption: false, beside: true, alpha: 1 }))
    const alone = await pixelsOf(await draw(photo, { caption: false, alpha: 1 }))
    const plain = await pixelsOf(await draw(photo, { caption: false, alpha: 0 }))
    expect([pixels.width, pixels.height]).toEqual([2 * 23 + 7, 17])
    for (const [x, y] of [
      [0, 0],
      [22, 16],
      [11, 5],
    ] as const) {
      expect(pixels.at(x, y)).toEqual(plain.at(x, y))
      expect(pixels.at(23 + 7 + x, y)).toEqual(alone.at(x, y))
    }
    expect([pixels.at(23, 8), pixels.at(29, 8)]).toEqual([
      [255, 255, 255],
      [255, 255, 255],
    ])
  })

  it('has lines at the quantiles, and changes nowhere else', async () => {
    const large = photoOf(60, 90)
    const [lined, plain] = [
      await pixelsOf(await draw(large, { caption: false, contours: [0.5] })),
      await pixelsOf(await draw(large, { caption: false })),
    ]
    // Half of the values lie in the upper 30 rows; the line runs along the first of those that exceed them.
    for (let y = 0; y < 60; y++) {
      const kind = y === 30 ? [255, 255, 255] : Math.abs(y - 30) === 1 ? [0, 0, 0] : plain.at(45, y)
      expect(lined.at(45, y)).toEqual(kind)
    }
  })
})

describe('the caption', () => {
  it('leaves every pixel of the overlay where and as it is', async () => {
    const photo = photoOf(40, 50)
    const [with_, bare] = [await pixelsOf(await draw(photo)), await pixelsOf(await draw(photo, { caption: false }))]
    for (let y = 0; y < 40; y++) for (let x = 0; x < 50; x++) expect(with_.at(x, y)).toEqual(bare.at(x, y))
  })

  it.each<[string, Photo]>([
    ['1 x 1', photoOf(1, 1)],
    ['1 x 2000', photoOf(1, 2000)],
    ['2000 x 1', photoOf(2000, 1)],
    ['a common size', photoOf(426, 640)],
    ['20000 x 30', photoOf(30, 20_000)],
  ])('is cut nowhere below a photo of %s', async (_, photo) => {
    for (const [label, layer] of [
      ['tabby', 'features'],
      [long, '/backbone/layer4/layer4.2/conv3/Conv_output_0'.repeat(4)],
    ]) {
      const pixels = await pixelsOf(await draw(photo, { contours: [0.5] }, rampOf(photo), facts(label, layer)))
      expect(pixels.width).toBeGreaterThanOrEqual(Math.max(photo.width, 26 * 14))
      const strip = below(pixels, photo.height)
      const ink = inkOf(strip)
      // Its own margin stays white on every side, so no letter runs into an edge.
      expect(ink?.left).toBeGreaterThanOrEqual(7)
      expect(ink?.top).toBeGreaterThanOrEqual(7)
      expect(ink?.right).toBeLessThan(strip.width - 6)
      expect(ink?.bottom).toBeLessThan(strip.height - 6)
    }
  })

  it('has a bar whose ends are the colours of the ends of the range', async () => {
    const photo = photoOf(30, 600)
    const pixels = await pixelsOf(await draw(photo, { range: [0.25, 0.75], colormap: 'viridis' }))
    const table = colormapTable('viridis')
    expect(pixels.at(7, 30 + 7)).toEqual([...table.subarray(0, 3)])
    expect(pixels.at(600 - 8, 30 + 7)).toEqual([...table.subarray(-3)])
  })

  it('of a map that is zero everywhere has no colour bar', async () => {
    const photo = photoOf(30, 600)
    const strip = below(await pixelsOf(await draw(photo, {}, rampOf(photo, 0))), 30)
    for (let y = 0; y < strip.height; y++) {
      for (let x = 0; x < strip.width; x++) {
        const [r, g, b] = strip.at(x, y)
        expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThan(3)
      }
    }
    expect(inkOf(strip)).toBeDefined()
  })

  it('grows with the photo: 6000 x 4000 pixels have letters of about a sixtieth of their width', {
    timeout: 60_000,
  }, async () => {
    const photo: Photo = { data: new Uint8Array(3 * 6000 * 4000), height: 4000, width: 6000, channels: 3 }
    const map = { ...photo, data: new Float32Array(6000 * 4000).fill(0.5) }
    const { data, info } = await (await draw(photo, { contours: [0.5] }, map))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width: 6000, channels: 3 })
    expect(info.height).toBeGreaterThan(4000 + 5 * 100)
    expect(info.height).toBeLessThan(4000 + 12 * 100)
    expect([...data.subarray(-3)]).toEqual([255, 255, 255])
  })
})

describe('a source', () => {
  const base = sharp(Buffer.from(Uint8Array.from({ length: 3 * 24 * 16 }, (_, i) => [200, 40, 10][i % 3] ?? 0)), {
    raw: { width: 24, height: 16, channels: 3 },
  })
  it.each<[string, () => Promise<Buffer>, readonly [number, number], readonly [number, number, number], number]>([
    ['16 bits deep', () => base.clone().toColourspace('rgb16').png().toBuffer(), [24, 16], [200, 40, 10], 0],
    [
      'in CMYK',
      () => base.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
      [24, 16],
      [200, 40, 10],
      30,
    ],
    [
      'turned by EXIF',
      () => base.clone().withMetadata({ orientation: 6 }).png().toBuffer(),
      [16, 24],
      [200, 40, 10],
      0,
    ],
    ['half transparent', () => base.clone().ensureAlpha(0.5).png().toBuffer(), [24, 16], [228, 148, 133], 1],
    [
      'light and transparent',
      () =>
        sharp({ create: { width: 24, height: 16, channels: 4, background: '#ffffff00' } })
          .png()
          .toBuffer(),
      [24, 16],
      [255, 255, 255],
      0,
    ],
    [
      'dark and grey',
      () =>
        sharp({ create: { width: 24, height: 16, channels: 3, background: '#020202' } })
          .toColourspace('b-w')
          .png()
          .toBuffer(),
      [24, 16],
      [2, 2, 2],
      0,
    ],
  ])(
    '%s is upright and has its colours, in the photo beside too',
    async (_, encode, [width, height], color, tolerance) => {
      const photo = await decode(await encode())
      for (const options of [{ alpha: 0 }, { alpha: 0, beside: true }]) {
        const pixels = await pixelsOf(await draw(photo, { ...options, caption: false }))
        expect([pixels.width, pixels.height]).toEqual(['beside' in options ? 2 * width + 7 : width, height])
        for (const x of [1, pixels.width - 2]) {
          for (const [c, sample] of pixels.at(x, height - 2).entries()) {
            expect(Math.abs(sample - (color[c] ?? -99))).toBeLessThanOrEqual(tolerance)
          }
        }
      }
    },
  )
})
