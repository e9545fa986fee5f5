import { describe, expect, it } from 'vitest'
import { type ColormapName, colormaps, colormapTable } from '../../src/render/colormaps.ts'

const color = (name: ColormapName, i: number) => [...colormapTable(name).subarray(3 * i, 3 * i + 3)]

/** CIE L*, 0 to 100. */
function lightness([r = 0, g = 0, b = 0]: readonly number[]): number {
  const [lr, lg, lb] = [r, g, b].map((v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
  const y = 0.2126 * (lr ?? 0) + 0.7152 * (lg ?? 0) + 0.0722 * (lb ?? 0)
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y
}

it('inferno is the default', () => expect(colormaps[0]).toBe('inferno'))

describe.each(colormaps)('%s', (name) => {
  it('has 256 colours, nearly all different', () => {
    const table = colormapTable(name)
    expect(table.length).toBe(768)
    const different = new Set(Array.from({ length: 256 }, (_, i) => color(name, i).join()))
    expect(different.size).toBeGreaterThan(240)
  })
})

it.each(['inferno', 'viridis', 'magma', 'plasma', 'cividis', 'hot', 'bone', 'greys'] as const)(
  '%s grows lighter all the way, without a jump',
  (name) => {
    const lights = Array.from({ length: 256 }, (_, i) => lightness(color(name, i)))
    for (let i = 1; i < 256; i++) {
      const rise = (lights[i] ?? 0) - (lights[i - 1] ?? 0)
      // One 8-bit level of rounding may go the other way.
      expect(rise).toBeGreaterThan(-0.05)
      expect(rise).toBeLessThan(1)
    }
    expect((lights[255] ?? 0) - (lights[0] ?? 0)).toBeGreaterThan(70)
  },
)

it('jet does not, which is why it is not the default', () => {
  const lights = Array.from({ length: 256 }, (_, i) => lightness(color('jet', i)))
  expect(lights[255]).toBeLessThan((lights[160] ?? 0) - 30)
})

it.each<[ColormapName, number, number[]]>([
  // matplotlib's tables
  ['inferno', 0, [0, 0, 4]],
  ['inferno', 64, [87, 16, 110]],
  ['inferno', 128, [188, 55, 84]],
  ['inferno', 255, [252, 255, 164]],
  ['viridis', 0, [68, 1, 84]],
  ['viridis', 128, [33, 145, 140]],
  ['viridis', 255, [253, 231, 37]],
  ['jet', 0, [0, 0, 131]],
  ['greys', 0, [0, 0, 0]],
  ['greys', 255, [255, 255, 255]],
])('%s has at %i the colour %j', (name, i, expected) => {
  for (const [c, v] of color(name, i).entries()) expect(Math.abs(v - (expected[c] ?? 0))).toBeLessThanOrEqual(1)
})

it.each(['sunset', 'Inferno', 'toString', '__proto__', ''])('"%s" is refused with the list', (name) => {
  const attempt = () => colormapTable(name as ColormapName)
  expect(attempt).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  expect(attempt).toThrow(/expected one of inferno, .*jet/)
})
