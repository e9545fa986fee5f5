import { describe, expect, it, vi } from 'vitest'
import { drawBlock } from '../../src/render/blocks.ts'
import { colormapTable } from '../../src/render/colormaps.ts'
import { colourBar } from '../../src/render/colour-bar.ts'
import { type TextStyle, Typeface } from '../../src/render/text.ts'
import { inkOf, pixelsOf } from './pixels.ts'

const text: TextStyle = { size: 12, weight: 'regular', color: '#000000' }
const typeface = await Typeface.load()

describe('a colour bar', () => {
  it.each([1, 80, 360])('of %i pixels has every colour in order and stays within its width', async (width) => {
    const block = await colourBar(typeface, { colormap: 'viridis', range: [0, 0.5], width, text })
    expect(block.width).toBe(width)
    const pixels = await pixelsOf(drawBlock(block))
    const table = colormapTable('viridis')
    for (let x = 0; x < width; x++) {
      const entry = Math.round((255 * x) / Math.max(1, width - 1))
      expect(pixels.at(x, 3)).toEqual([...table.subarray(3 * entry, 3 * entry + 3)])
    }
    expect(inkOf(pixels)?.bottom).toBeLessThan(block.height)
  })

  it.each<[readonly [number, number], string[]]>([
    [
      [0, 0.2649],
      ['0', '0.132', '0.265'],
    ],
    [
      [0, 1],
      ['0', '0.50', '1.00'],
    ],
    [
      [0, 0.9998],
      ['0', '0.50', '1.00'],
    ],
    [
      [0, 0.0644],
      ['0', '0.0322', '0.0644'],
    ],
    [
      [-2, 2],
      ['-2.00', '0', '2.00'],
    ],
    [
      [0, 1500],
      ['0', '750', '1500'],
    ],
    [
      [0.999, 1],
      ['0.9990', '0.9995', '1.0000'],
    ],
    [
      [0, 2.5e-9],
      ['0', '1.25e-9', '2.50e-9'],
    ],
    [
      [0.25, 3e12],
      ['2.50e-1', '1.50e+12', '3.00e+12'],
    ],
  ])('from %j states %j', async (range, labels) => {
    const outlines = vi.spyOn(typeface, 'outlines')
    await colourBar(typeface, { colormap: 'inferno', range, width: 240, text })
    expect(outlines.mock.calls.map(([label]) => label)).toEqual(labels)
    outlines.mockRestore()
  })

  it('states both ends alone where there is no room for more', async () => {
    const outlines = vi.spyOn(typeface, 'outlines')
    const block = await colourBar(typeface, { colormap: 'inferno', range: [0, 0.25], width: 60, text })
    expect(outlines.mock.calls.map(([label]) => label)).toEqual(['0', '0.250'])
    outlines.mockRestore()
    const ink = inkOf(await pixelsOf(drawBlock(block)))
    expect(ink?.right).toBe(59)
  })

  it('has its colours over the whole height, which grows with the text', async () => {
    for (const size of [12, 60]) {
      const block = await colourBar(typeface, {
        colormap: 'viridis',
        range: [0, 1],
        width: 500,
        text: { ...text, size },
      })
      const pixels = await pixelsOf(drawBlock(block))
      const height = Math.round(0.84 * size)
      expect(pixels.at(250, height - 1)).toEqual(pixels.at(250, 0))
      expect(pixels.at(125, height + 1)).toEqual([255, 255, 255])
    }
  })
})
