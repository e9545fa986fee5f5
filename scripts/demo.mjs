/** The main job on a real photo, from a bare clone: sets up, explains docs/photos/chelsea.png, says where the map is. */
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { root, run, setUp } from './setup.mjs'

const shared = resolve(root, process.env.SESS_SHARED ?? '../shared')
const model = join(shared, 'models/mobilenet-v1-075-224.onnx')
const photo = join(root, 'docs/photos/chelsea.png')
const overlay = join(root, 'demo/chelsea.sess.png')

if (!existsSync(model)) {
  console.error(
    `The package brings no model of its own yet, and ${model} is missing: set SESS_SHARED to the folder that has ` +
      'models/mobilenet-v1-075-224.onnx, or run: node dist/cli/main.js explain docs/photos/chelsea.png --model YOUR.onnx',
  )
  process.exit(1)
}
setUp()
console.log(`Explaining ${relative(root, photo)} with the MobileNet of ${relative(root, shared)}`)
run('mkdir', ['-p', join(root, 'demo')])
run(process.execPath, [join(root, 'dist/cli/main.js'), 'explain', photo, '--model', model, '-o', overlay])
console.log(`Look at ${relative(process.cwd(), overlay)}`)
