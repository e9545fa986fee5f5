import { expect, it } from 'vitest'
import { Device } from '../../src/native.ts'
import { colormapTable } from '../../src/render/colormaps.ts'
import { drawOverlay, drawPhoto } from '../../src/render/draw.ts'
import { type ColourOptions, overlayArguments } from '../../src/render/overlay.ts'

const [height, width] = [7, 13]
const samples = (channels: number) => Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 97) % 256)
const map = { data: Float32Array.from({ length: height * width }, (_, i) => ((i * 31) % 91) / 200), height, width }

/** Photo, flattened, and colours, one sample at a time in double precision. */
function plain(photo: Uint8Array, channels: 3 | 4, options: ColourOptions): number[] {
  const { colors, low, high, alpha, opacity } = overlayArguments(options, Math.max(...map.data))
  return Array.from({ length: height * width * 3 }, (_, k) => {
    const [i, c] = [Math.floor(k / 3), k % 3]
    const v = photo[channels * i + c] ?? 0
    const a = channels === 4 ? (photo[4 * i + 3] ?? 0) : 255
    const opaque = Math.floor((v * a + 255 * (255 - a) + 127) / 255)
    const t = Math.min(1, Math.max(0, ((map.data[i] ?? 0) - low) / (high - low)))
    const color = colors[3 * Math.round(255 * t) + c] ?? 0
    const blend = opacity === 'constant' ? alpha : alpha * t
    return opaque + blend * (color - opaque)
  })
}

it.each<[3 | 4, ColourOptions]>([
  [3, {}],
  [4, {}],
  [3, { opacity: 'by-value', alpha: 1, colormap: 'jet' }],
  [4, { alpha: 0 }],
  [3, { range: [0.1, 0.2] }],
])('a photo of %i channels under %j is the plain blend', async (channels, options) => {
  const device = new Device({ type: 'cpu', threads: 2 })
  const photo = samples(channels)
  const before = Uint8Array.from(photo)
  const { data, ...size } = await drawOverlay(device, { data: photo, height, width, channels }, map, options)
  device.dispose()
  expect(size).toEqual({ width, height })
  for (const [k, value] of plain(photo, channels, options).entries()) {
    // One level of rounding; a value between two colours of the table may take either.
    expect(Math.abs((data[k] ?? -9) - value)).toBeLessThanOrEqual(6)
  }
  expect(photo).toEqual(before)
})

it.each<[string, readonly [number, number, number]]>([
  ['red', [255, 0, 0]],
  ['green', [0, 255, 0]],
  ['blue', [0, 0, 255]],
  ['light', [250, 251, 252]],
  ['dark', [1, 2, 3]],
])(
  'on a %s photo alpha 0 leaves every bit, and alpha 1 is the colour map in order red, green, blue',
  async (_, color) => {
    const device = new Device({ type: 'cpu', threads: 2 })
    const photo = { data: Uint8Array.from({ length: height * width * 3 }, (_v, i) => color[i % 3] ?? 0), height, width }
    const draw = async (alpha: number) =>
      (await drawOverlay(device, { ...photo, channels: 3 }, map, { alpha, range: [0, 0.5] })).data
    const table = colormapTable('inferno')
    // In floats as the op has it: a value between two colours takes the one that floats are nearer to.
    const entries = Array.from(map.data, (value) =>
      Math.floor(Math.fround(Math.fround(Math.fround(value / 0.5) * 255) + 0.5)),
    )
    expect(await draw(0)).toEqual(photo.data)
    expect([...(await draw(1))]).toEqual(entries.flatMap((entry) => [...table.subarray(3 * entry, 3 * entry + 3)]))
    device.dispose()
  },
)

it.each([3, 4] as const)('a photo of %i channels alone is on white, and is itself left as it was', async (channels) => {
  const device = new Device({ type: 'cpu', threads: 1 })
  const photo = samples(channels)
  const before = Uint8Array.from(photo)
  const { data } = await drawPhoto(device, { data: photo, height, width, channels })
  device.dispose()
  expect([...data]).toEqual(plain(photo, channels, { alpha: 0 }))
  expect(photo).toEqual(before)
})

it('refuses a map of another size', async () => {
  const device = new Device({ type: 'cpu', threads: 1 })
  const photo = { data: samples(3), height: width, width: height, channels: 3 as const }
  await expect(drawOverlay(device, photo, map)).rejects.toThrow(/a map of 7 x 13/)
  device.dispose()
})
