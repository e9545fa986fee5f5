/**
 * The pictures of the README: photo, Grad-CAM, SESS + Grad-CAM side by side, into docs/images/.
 *   node scripts/readme-pictures.mjs [MODEL.onnx]
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { Explainer } from '../dist/index.js'
import { root } from './setup.mjs'

const shared = resolve(root, process.env.SESS_SHARED ?? '../shared')
const model = process.argv[2] ?? join(shared, 'models/mobilenet-v1-075-224.onnx')
const height = 300
const gap = 6

const explainer = await Explainer.load(model)
mkdirSync(join(root, 'docs/images'), { recursive: true })
for (const [name, target] of [
  ['chelsea', 'Egyptian cat'],
  ['coffee', 'espresso'],
]) {
  const photo = join(root, `docs/photos/${name}.png`)
  const overlayOf = async (sess) => (await explainer.explain(photo, { target, sess })).overlay().toBuffer('png')
  const panels = await Promise.all(
    [photo, await overlayOf(false), await overlayOf(true)].map((image) => sharp(image).resize({ height }).toBuffer()),
  )
  const { width } = await sharp(panels[0]).metadata()
  await sharp({
    create: { width: panels.length * (width + gap) - gap, height, channels: 3, background: 'white' },
  })
    .composite(panels.map((input, i) => ({ input, left: i * (width + gap), top: 0 })))
    .jpeg({ quality: 88 })
    .toFile(join(root, `docs/images/${name}.jpg`))
}
await explainer.dispose()
