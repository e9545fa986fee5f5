import { describe, expect, it } from 'vitest'
import { contains, photoBox } from '../../src/sess/geometry.ts'

describe('a box contains', () => {
  it.each([
    ['a pixel in it', { y: 2, x: 3 }, true],
    ['the pixel whose centre is its upper left corner', { y: 1, x: 2 }, true],
    ['not the pixel whose centre lies on its right edge', { y: 2, x: 6 }, false],
    ['not the pixel whose centre lies on its lower edge', { y: 3, x: 3 }, false],
    ['no pixel above it', { y: 0, x: 3 }, false],
    ['no pixel left of it', { y: 2, x: 1 }, false],
  ])('%s', (_, pixel, inside) => {
    expect(contains({ y: 1.5, x: 2.5, height: 2, width: 4 }, pixel)).toBe(inside)
  })

  it('no pixel where it is not finite or has no size', () => {
    expect(contains({ y: Number.NaN, x: 0, height: 9, width: 9 }, { y: 1, x: 1 })).toBe(false)
    expect(contains({ y: 1.5, x: 1.5, height: 0, width: 0 }, { y: 1, x: 1 })).toBe(false)
  })

  it('each pixel once, where the boxes tile an image of odd size', () => {
    const [image, level, window] = [
      { height: 7, width: 13 },
      { height: 6, width: 9 },
      { height: 2, width: 3 },
    ]
    const origins = [0, 2, 4].flatMap((y) => [0, 3, 6].map((x) => ({ y, x })))
    const boxes = origins.map((origin, index) => photoBox({ index, level: 0, ...origin }, window, level, image))
    for (let y = 0; y < image.height; y++) {
      for (let x = 0; x < image.width; x++) {
        expect(boxes.filter((box) => contains(box, { y, x }))).toHaveLength(1)
      }
    }
  })
})
