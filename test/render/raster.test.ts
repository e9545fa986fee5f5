import { expect, it } from 'vitest'
import { assembled, rasterOf, sharpOf } from '../../src/render/raster.ts'

it('rasters stand at their places on white', async () => {
  const red = { data: Uint8Array.from([255, 0, 0, 254, 0, 0]), width: 1, height: 2, x: 0, y: 0 }
  const blue = { data: Uint8Array.from([0, 0, 255, 0, 0, 254]), width: 2, height: 1, x: 1, y: 1 }
  const { data, width, height } = await assembled({ width: 3, height: 3 }, [red, blue])
  expect([width, height]).toEqual([3, 3])
  const white = [255, 255, 255]
  expect([...data]).toEqual([
    ...[255, 0, 0, ...white, ...white],
    ...[254, 0, 0, 0, 0, 255, 0, 0, 254],
    ...[...white, ...white, ...white],
  ])
})

it('more than a turn of the event loop is copied whole', async () => {
  const [width, height] = [1999, 1201]
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 31) % 251)
  const whole = await assembled({ width: width + 2, height }, [{ data, width, height, x: 2, y: 0 }])
  for (const y of [0, 698, 699, 700, 1200]) {
    const start = 3 * (width + 2) * y
    expect(whole.data.subarray(start, start + 6)).toEqual(new Uint8Array(6).fill(255))
    expect(whole.data.subarray(start + 6, start + 6 + 3 * width)).toEqual(
      data.subarray(3 * width * y, 3 * width * (y + 1)),
    )
  }
})

it('goes through sharp and back', async () => {
  const raster = { data: Uint8Array.from([1, 2, 3, 4, 5, 6]), width: 2, height: 1 }
  const back = await rasterOf(sharpOf(raster))
  expect([...back.data, back.width, back.height]).toEqual([1, 2, 3, 4, 5, 6, 2, 1])
})
