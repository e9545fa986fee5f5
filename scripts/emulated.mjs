/**
 * The addon on the emulated CUDA device (native/emulated), and what a process needs to run on it.
 *   node scripts/emulated.mjs [COMMAND...]    builds it, and runs COMMAND with it: node dist/cli/main.js doctor
 */
import { existsSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileAddon, root, run, setUp } from './setup.mjs'

const folder = join(root, 'build/emulated')
/** ONNX Runtime beside libraries with the names of its CUDA provider and of what that needs, which do nothing. */
const libraries = join(folder, 'build/native/emulated/libraries')

export function buildEmulated() {
  compileAddon(['-O', join(folder, 'build'), '--CDSESS_CUDA=EMULATED', '--CDSESS_TESTS=ON'])
  const runtime = join(libraries, 'libonnxruntime.so.1')
  const packaged = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  const real = join(packaged, 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime.so.1')
  if (!existsSync(runtime)) symlinkSync(real, runtime)
}

/** The folder of the native tests that run on the emulated device. */
export const emulatedTests = join(folder, 'build')

/** @param {NodeJS.ProcessEnv} env */
export function onEmulated(env) {
  return {
    ...env,
    SESS_SALIENCY_PREBUILD: folder,
    SESS_ORT_LIBRARY: join(libraries, 'libonnxruntime.so.1'),
    LD_LIBRARY_PATH: [libraries, env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
    SESS_DEVICE: 'cuda',
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setUp()
  buildEmulated()
  const [command, ...args] = process.argv.slice(2)
  if (command !== undefined) run(command, args, { env: onEmulated(process.env) })
}
