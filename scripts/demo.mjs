/**
 * The main job, from a bare clone and without network once set up: sets up, asks the embedded model where in
 * docs/photos/both.jpg it sees an espresso and a cat, with SESS and without, and says where the pictures are.
 */
import { mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root, run, setUp } from './setup.mjs'

const photo = join(root, 'docs/photos/both.jpg')
const folder = join(root, 'demo')
const targets = ['--target', 'espresso', '--target', 'Egyptian cat']
const explain = (...options) =>
  run(process.execPath, [join(root, 'dist/cli/main.js'), 'explain', photo, ...targets, ...options])

setUp()
mkdirSync(folder, { recursive: true })
console.log(`Explaining ${relative(root, photo)}: Grad-CAM alone, then SESS + Grad-CAM`)
explain('--no-sess', '-o', join(folder, 'base.png'))
explain('-o', join(folder, 'sess.png'))
console.log(`Compare base.espresso.png with sess.espresso.png in ${relative(process.cwd(), folder)}/`)
