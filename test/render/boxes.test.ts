import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Rect } from '../../src/native.ts'
import { drawBoxes } from '../../src/render/boxes.ts'
import { sharpOf } from '../../src/render/raster.ts'
import { pixelsOf } from './pixels.ts'

const grey = (height: number, width: number) =>
  sharp({ create: { width, height, channels: 3, background: '#646464' }, limitInputPixels: false }).raw()
const draw = async (height: number, width: number, boxes: readonly Rect[]) => {
  const { data, info } = await grey(height, width).toBuffer({ resolveWithObject: true })
  const raster = { data, width: info.width, height: info.height }
  await drawBoxes(raster, boxes)
  return await pixelsOf(sharpOf(raster))
}

describe('boxes over a picture', () => {
  const box = { y: 60, x: 80, height: 40, width: 50 }

  it('have a light line between two dark ones, from their edge inwards', async () => {
    const pixels = await draw(200, 300, [box])
    const across = [79, 80, 81, 82, 83].map((x) => pixels.at(x, 95)[0])
    expect(across).toEqual([100, 0, 255, 0, 100])
    expect([126, 127, 128, 129, 130].map((x) => pixels.at(x, 95)[0])).toEqual([100, 0, 255, 0, 100])
    expect([96, 97, 98, 99, 100].map((y) => pixels.at(120, y)[0])).toEqual([100, 0, 255, 0, 100])
    expect([59, 60, 61, 62, 63].map((y) => pixels.at(125, y)[0])).toEqual([100, 0, 255, 0, 100])
  })

  it('have their number above the upper left corner, or inside where there is no room', async () => {
    const above = await draw(200, 300, [box])
    expect(above.at(81, 50)).toEqual([255, 255, 255])
    expect(above.at(90, 70)).toEqual([100, 100, 100])
    const inside = await draw(200, 300, [{ ...box, y: 0 }])
    expect(inside.at(81, 3)).toEqual([255, 255, 255])
  })

  it('keep their numbers within the picture', async () => {
    const pixels = await draw(60, 300, [{ y: 20, x: 297, height: 30, width: 3 }])
    const tag = Array.from({ length: 300 }, (_, x) => pixels.at(x, 7)[0]).filter((value) => value !== 100)
    expect(tag.length).toBeGreaterThan(10)
    expect(pixels.at(299, 7)).toEqual([255, 255, 255])
  })

  it.each([
    [1, 1],
    [1, 2000],
    [40_000, 3],
    [9, 9],
  ])('fit a picture of %i x %i', async (height, width) => {
    const pixels = await draw(height, width, [{ y: 0, x: 0, height, width }])
    expect([pixels.width, pixels.height]).toEqual([width, height])
    expect(pixels.at(0, 0)).toEqual([0, 0, 0])
    expect(pixels.at(width - 1, height - 1)).toEqual([0, 0, 0])
  })

  it('leave everything else as it was', async () => {
    const pixels = await draw(50, 60, [])
    expect(Array.from({ length: 60 }, (_, x) => pixels.at(x, 25)[0])).toEqual(new Array(60).fill(100))
  })

  it('of fractional pixels, as those of windows, go to the nearest ones', async () => {
    const pixels = await draw(100, 100, [{ y: 30.4, x: 20.6, height: 40.2, width: 40 }])
    expect([20, 21, 22].map((x) => pixels.at(x, 60)[0])).toEqual([100, 0, 255])
    expect([60, 61].map((x) => pixels.at(x, 60)[0])).toEqual([0, 100])
  })
})
