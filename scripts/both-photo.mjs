/** docs/photos/both.jpg: a cat that fills the photo and a small cup, of the two photos beside it. */
import { join } from 'node:path'
import sharp from 'sharp'
import { root } from './setup.mjs'

const photo = (name) => join(root, 'docs/photos', name)
const width = 640
const cup = { left: 78, top: 0, width: 400, height: 400 } // of coffee.png
const side = 128

const cat = await sharp(photo('chelsea.png')).resize({ width }).toBuffer({ resolveWithObject: true })
const small = await sharp(photo('coffee.png')).extract(cup).resize(side, side).toBuffer()
await sharp(cat.data)
  .composite([{ input: small, left: width - side, top: cat.info.height - side }])
  .jpeg({ quality: 90 })
  .toFile(photo('both.jpg'))
