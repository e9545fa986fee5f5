/**
 * The pictures of README and docs, into docs/images/: photo, Grad-CAM, SESS + Grad-CAM side by side, a captioned overlay,
 * the sheets of `sess compare` and `sess patches`, and the objects of a map. Needs no network.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { Explainer, patchPages } from '../dist/index.js'
import { root } from './setup.mjs'

const height = 220
const gap = 6
const photo = join(root, 'docs/photos/both.jpg')

const explainer = await Explainer.load()
mkdirSync(join(root, 'docs/images'), { recursive: true })
for (const [name, target] of [
  ['espresso', 'espresso'],
  ['cat', 'Egyptian cat'],
]) {
  const overlayOf = async (sess) =>
    (await explainer.explain(photo, { target, sess })).overlay({ caption: false }).toBuffer('png')
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

const captioned = (await explainer.explain(photo, { target: 'Egyptian cat' })).overlay({
  contours: [0.5, 0.9],
  beside: true,
})
await sharp(await captioned.toBuffer('png'))
  .jpeg({ quality: 86 })
  .toFile(join(root, 'docs/images/overlay.jpg'))

const comparison = await explainer.compare(join(root, 'docs/photos/coffee.png'))
const sheet = await comparison.sheet({ title: 'coffee.png' }).toBuffer('png')
await sharp(sheet).resize({ width: 1100 }).jpeg({ quality: 86 }).toFile(join(root, 'docs/images/compare.jpg'))

const explanation = await explainer.explain(photo, { target: 'espresso' })
const boxed = await explanation.overlay({ boxes: await explanation.objects() }).toBuffer('png')
await sharp(boxed).jpeg({ quality: 88 }).toFile(join(root, 'docs/images/objects.jpg'))

const patches = []
for (const method of ['grad-cam', 'layer-cam']) {
  const shown = await explainer.explain(photo, { target: 'Egyptian cat', scales: 5, method, keepMaps: true })
  patches.push(await shown.patches())
}
const [page] = patchPages(patches, { title: 'both.jpg' })
await sharp(await page.toBuffer('png'))
  .jpeg({ quality: 76 })
  .toFile(join(root, 'docs/images/patches.jpg'))
await explainer.dispose()
