import sharp from 'sharp'
import { expect, it } from 'vitest'
import { boxed, column, drawBlock, flattened, framed, pictureBlock, row } from '../../src/render/blocks.ts'
import { inkOf, pixelsOf } from './pixels.ts'

/** A filled rectangle: its first line is a picture, and outlines lie over all of it. */
async function filled(width: number, height: number, color: string) {
  const line = await sharp({ create: { width, height: 1, channels: 3, background: color } })
    .png()
    .toBuffer()
  const picture = pictureBlock(line, width, height)
  return { ...picture, outlines: `<path fill="${color}" d="M0 0H${width}V${height}H0Z"/>` }
}

it('blocks stand side by side and below one another, with gaps, and keep their places in what they are part of', async () => {
  const [red, lime, blue] = [
    await filled(10, 20, '#ff0000'),
    await filled(6, 8, '#00ff00'),
    await filled(4, 4, '#0000ff'),
  ]
  const line = row([red, lime], { gap: 3, align: 'middle' })
  expect([line.width, line.height]).toEqual([19, 20])
  const all = framed(column([line, blue], { gap: 5, align: 'start' }), 2)
  expect([all.width, all.height]).toEqual([23, 33])
  const { at } = await pixelsOf(drawBlock(all))
  expect(at(2, 2)).toEqual([255, 0, 0])
  expect(at(11, 21)).toEqual([255, 0, 0])
  expect(at(12, 21)).toEqual([255, 255, 255])
  expect(at(15, 8)).toEqual([0, 255, 0])
  expect(at(15, 7)).toEqual([255, 255, 255])
  expect(at(20, 15)).toEqual([0, 255, 0])
  expect(at(2, 27)).toEqual([0, 0, 255])
  expect(at(2, 26)).toEqual([255, 255, 255])
})

it('a box centres what is smaller than it, and grows around what is larger', async () => {
  const block = await filled(4, 4, '#000000')
  const box = boxed(block, 10, 8)
  expect([box.width, box.height]).toEqual([10, 8])
  expect(inkOf(await pixelsOf(drawBlock(box)))).toEqual({ left: 3, top: 2, right: 6, bottom: 5 })
  expect(boxed(block, 2, 2)).toMatchObject({ width: 4, height: 4 })
})

it('nothing takes no room', () => {
  expect(row([], { gap: 5, align: 'start' })).toMatchObject({ width: 0, height: 0 })
  expect(column([], { gap: 5, align: 'start' })).toMatchObject({ width: 0, height: 0 })
})

it('a block that is flattened is one picture that looks the same', async () => {
  const [red, lime] = [await filled(10, 20, '#ff0000'), await filled(6, 8, '#00ff00')]
  const block = framed(row([red, lime], { gap: 3, align: 'middle' }), 2)
  const flat = await flattened(block)
  expect([flat.width, flat.height, flat.outlines, flat.pictures.length]).toEqual([23, 24, '', 1])
  const [before, after] = [await pixelsOf(drawBlock(block)), await pixelsOf(drawBlock(flat))]
  for (let y = 0; y < 24; y++) for (let x = 0; x < 23; x++) expect(after.at(x, y)).toEqual(before.at(x, y))
  const nothing = row([], { gap: 3, align: 'middle' })
  expect(await flattened(nothing)).toBe(nothing)
})
