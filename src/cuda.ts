import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type CudaPresence, cudaPresence, missingLibraries, runtime } from './native.ts'

/** What CUDA needs on this machine, as far as it was looked for. */
export interface CudaState extends CudaPresence {
  /** The library that gives ONNX Runtime its CUDA provider. */
  readonly provider: { readonly path: string; readonly isThere: boolean }
  /** Libraries of NVIDIA's that the provider opens and the dynamic linker does not find. */
  readonly missing: readonly string[]
}

const ofEither = ['libcurand.so.10', 'libcudnn.so.9']
/** By the CUDA versions that a provider may be built for; of one version, all must be found. */
const librariesOfProvider: readonly (readonly string[])[] = ['12', '13'].map((major) => [
  `libcudart.so.${major}`,
  `libcublasLt.so.${major}`,
  `libcublas.so.${major}`,
  ...ofEither,
])

let known: CudaState | undefined

/** Looks once: nothing of it changes while a process runs. */
export function cudaState(): CudaState {
  if (known !== undefined) return known
  const presence = cudaPresence()
  const path = join(dirname(runtime.path), 'libonnxruntime_providers_cuda.so')
  // Libraries of hundreds of megabytes are not opened where nothing could use them.
  const missing = presence.reason === '' ? missingOf(librariesOfProvider, missingLibraries) : []
  known = { ...presence, provider: { path, isThere: existsSync(path) }, missing }
  return known
}

/** What is missing of the set that lacks least; nothing where one is complete. */
export function missingOf(
  sets: readonly (readonly string[])[],
  missing: (names: readonly string[]) => readonly string[],
): readonly string[] {
  return sets.map(missing).reduce((least, names) => (names.length < least.length ? names : least))
}

/** Why CUDA cannot be used, with what to do about it; undefined where it can. */
export function cudaFault({ reason, provider, missing }: CudaState): string | undefined {
  if (reason !== '') return reason
  if (!provider.isThere) {
    return (
      `ONNX Runtime has no CUDA provider: ${provider.path} is missing. ` +
      'With internet access, "npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12" fetches it; else put ' +
      'ONNX Runtime and its CUDA provider of one version into a folder and name its libonnxruntime.so.1 in SESS_ORT_LIBRARY'
    )
  }
  if (missing.length > 0) {
    return (
      `the dynamic linker does not find ${missing.join(', ')}: install CUDA's libraries and cuDNN 9 in the version that ` +
      'the provider is built for, and name their folder in LD_LIBRARY_PATH before the program starts'
    )
  }
  return undefined
}
