/**
 * Pictures with several objects, one of them the target: 2 x 2 and 3 x 3 tiles of Tiny ImageNet's held-out sheets, and
 * one tile in a photo whose shorter side is four tiles. Drawn by a seeded generator, made in memory: nothing of the data
 * enters the repository. A picture is `{ kind, image, target, box }`.
 */
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { shared } from './measure.mjs'
import { classes, tileSide } from './tiles.mjs'

const photoSide = 4 * tileSide

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const below = (random, count) => Math.floor(random() * count)

/** A raw RGB canvas and a function that pastes raw RGB pictures into it. */
function canvas(width, height, data = new Uint8Array(width * height * 3)) {
  const paste = ({ data: from, width: columns, height: rows }, left, top) => {
    for (let y = 0; y < rows; y++) {
      data.set(from.subarray(y * columns * 3, (y + 1) * columns * 3), ((top + y) * width + left) * 3)
    }
  }
  return { image: { data, width, height, channels: 3 }, paste }
}

/** `cells` x `cells` tiles of different classes; one of them, at random, is the target. */
export function grid(tiles, cells, random) {
  const side = cells * tileSide
  const { image, paste } = canvas(side, side)
  const chosen = []
  while (chosen.length < cells * cells) {
    const tile = tiles[below(random, tiles.length)]
    if (chosen.every((other) => other.class !== tile.class)) chosen.push(tile)
  }
  const place = (i) => ({ x: (i % cells) * tileSide, y: Math.floor(i / cells) * tileSide })
  for (const [i, tile] of chosen.entries()) paste(tile.image, place(i).x, place(i).y)
  const target = below(random, chosen.length)
  const box = { ...place(target), width: tileSide, height: tileSide }
  return { kind: `${cells}x${cells}`, image, target: chosen[target].class, box }
}

/** One tile somewhere in one of the photos. */
export function small(tiles, photos, random) {
  const tile = tiles[below(random, tiles.length)]
  const photo = photos[below(random, photos.length)]
  const { image, paste } = canvas(photo.width, photo.height, Uint8Array.from(photo.data))
  const [x, y] = [below(random, photo.width - tileSide + 1), below(random, photo.height - tileSide + 1)]
  paste(tile.image, x, y)
  return { kind: 'small', image, target: tile.class, box: { x, y, width: tileSide, height: tileSide } }
}

/** Photos of classes that tiny200 does not know, at a shorter side of four tiles. */
export async function backgrounds() {
  const folder = shared('data/eval-dev')
  const known = new Set(classes.map(({ wnid }) => wnid))
  const entries = JSON.parse(readFileSync(`${folder}/labels.json`, 'utf8'))
  return await Promise.all(
    entries
      .filter(({ wnid }) => !known.has(wnid))
      .map(async ({ file }) => {
        const resized = sharp(`${folder}/${file}`).resize({ width: photoSide, height: photoSide, fit: 'outside' })
        const { data, info } = await resized.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
        return { data, width: info.width, height: info.height }
      }),
  )
}

/**
 * The mosaics of the reference data that a model with these labels can be asked about: all, or those whose target is
 * one of the classes by its first name.
 */
export function sharedMosaics(labels) {
  const imagenet = JSON.parse(readFileSync(shared('models/imagenet-labels.json'), 'utf8'))
  const first = (label) => label.split(',')[0]
  const index = new Map(labels.map((label, i) => [first(label), i]))
  return JSON.parse(readFileSync(shared('data/mosaics/mosaics.json'), 'utf8')).flatMap((entry) => {
    const target = labels.length === imagenet.length ? entry.target : index.get(first(imagenet[entry.target]))
    const [x, y, width, height] = entry.box
    const image = shared(`data/mosaics/${entry.file}`)
    return target === undefined ? [] : [{ kind: entry.kind, image, target, box: { x, y, width, height } }]
  })
}

/** Sum of the map inside the box over that of the whole map; 0 for a map of zeros. */
export function energyInside({ data, width }, box) {
  let [inside, whole] = [0, 0]
  for (let i = 0; i < data.length; i++) {
    const x = (i % width) - box.x
    const y = Math.floor(i / width) - box.y
    whole += data[i]
    if (x >= 0 && x < box.width && y >= 0 && y < box.height) inside += data[i]
  }
  return whole === 0 ? 0 : inside / whole
}
