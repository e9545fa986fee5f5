/**
 * Loads the addon and ONNX Runtime, and exports the ops of `binding.d.ts`. Also published as `sess-saliency/native`
 * for those who build on the ops themselves.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Binding from '../binding.d.ts'
import { SessError } from './error.ts'

export type {
  ArrayOf,
  CudaDevice,
  CudaPresence,
  DType,
  Milliseconds,
  Preprocessing,
  Rect,
  Resize,
  Shape,
  Simd,
  Size,
  TensorInfo,
} from '../binding.d.ts'

const require = createRequire(import.meta.url)
const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)))

function loadAddon(): typeof Binding {
  try {
    const load: (root: string) => typeof Binding = require('node-gyp-build')
    return load(packageRoot)
  } catch (cause) {
    const found = cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_FAILED'
    const folder = process.env.SESS_SALIENCY_PREBUILD ?? packageRoot
    const fault = found
      ? `The native addon cannot be loaded (${cause.message})`
      : `The native addon is neither in ${join(folder, 'build/Release')} nor in ${join(folder, 'prebuilds')} ` +
        `for ${process.platform}-${process.arch}`
    const mend = 'reinstall the package, or run "npm run build" in a checkout'
    throw new SessError('NATIVE_MISSING', `${fault}: ${mend}.`, { cause })
  }
}

const libraryName: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
}

/** The library of the onnxruntime-node that this package resolves. */
function packagedRuntime(): string {
  const name = libraryName[process.platform] ?? 'libonnxruntime.so.1'
  try {
    const root = dirname(require.resolve('onnxruntime-node/package.json'))
    const path = join(root, 'bin/napi-v6', process.platform, process.arch, name)
    if (existsSync(path)) return path
  } catch {
    // The sentence below says it.
  }
  throw new SessError(
    'NATIVE_MISSING',
    `onnxruntime-node has no ${name} for ${process.platform}-${process.arch}: install onnxruntime-node ` +
      '(without internet: ONNXRUNTIME_NODE_INSTALL=skip npm install), or name the library in SESS_ORT_LIBRARY.',
  )
}

const addon = loadAddon()
addon.setErrorClass(SessError)

/** `SESS_ORT_LIBRARY`; else the copy that the process has; else onnxruntime-node's. */
function loadRuntime(): ReturnType<typeof Binding.loadRuntime> {
  const given = process.env.SESS_ORT_LIBRARY
  const path = given || packagedRuntime()
  try {
    return addon.loadRuntime(path, { prefer: given ? 'given' : 'resident' })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SessError(
      'NATIVE_MISSING',
      `${why}. Install onnxruntime-node 1.22 or newer, or name a library of ONNX Runtime in SESS_ORT_LIBRARY.`,
      { cause },
    )
  }
}

/** ONNX Runtime's version and the file it was loaded from. */
export const runtime = loadRuntime()

export const { Device, Stream, Tensor, Session, simdVariants, cudaPresence, missingLibraries } = addon
export type Device = Binding.Device
export type Stream = Binding.Stream
export type Tensor<D extends Binding.DType = Binding.DType> = Binding.Tensor<D>
export type Session = Binding.Session
export const { copy, flatten, pyramid, patches, gather, score, overlay } = addon
export const { camReduce, fuse, fold, finish, upsample, smooth } = addon
export const { grey, noise, accumulate } = addon
export const { channelRanges, groupReduce, maskBatch, blur, ablate } = addon
export const { riseMask, riseReduce, occlude, occlusionReduce } = addon
