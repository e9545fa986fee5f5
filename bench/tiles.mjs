/** The tiles of Tiny ImageNet's held-out sheets, for measurements. Nothing of them enters the repository. */
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { shared } from './measure.mjs'

export const tileSide = 64
const columns = 5

const folder = shared('data/tiny-imagenet')

/** Class order of the logits: `{ wnid, label }`. */
export const classes = JSON.parse(readFileSync(`${folder}/classes.json`, 'utf8'))

/** All tiles of val-dev in class order, 25 a class: `{ class, image }`, the image raw RGB of 64 x 64 pixels. */
export async function heldOutTiles() {
  const sheets = await Promise.all(classes.map(({ wnid }, index) => tilesOf(`${folder}/val-dev/${wnid}.webp`, index)))
  return sheets.flat()
}

async function tilesOf(path, index) {
  const { data, info } = await sharp(path).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  if (info.width !== columns * tileSide || info.channels !== 3) throw new Error(`${path} is no sheet of tiles`)
  const count = columns * (info.height / tileSide)
  return Array.from({ length: count }, (_, i) => {
    const left = (i % columns) * tileSide
    const top = Math.floor(i / columns) * tileSide
    return { class: index, image: cut(data, info.width, left, top) }
  })
}

function cut(data, width, left, top) {
  const tile = new Uint8Array(tileSide * tileSide * 3)
  for (let y = 0; y < tileSide; y++) {
    const at = ((top + y) * width + left) * 3
    tile.set(data.subarray(at, at + tileSide * 3), y * tileSide * 3)
  }
  return { data: tile, width: tileSide, height: tileSide, channels: 3 }
}

/** What a model says of each tile: its classes' probabilities, the largest first. Order of the tiles. */
export async function classifyAll(explainer, tiles, top) {
  const guesses = []
  for (const { image } of tiles) guesses.push(await explainer.classify(image, { top }))
  return guesses
}
