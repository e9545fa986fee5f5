/**
 * ONNX Runtime with its CUDA provider, of one version, and a probe that opens graphs in it.
 *   node bench/placement/provider.mjs FOLDER    puts the three libraries there, to be taken to a GPU host
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import envPaths from 'env-paths'
import { makeStandIns } from './standins.mjs'

/** The core is that of onnxruntime-node, which has no provider; the other package's core is built without CUDA. */
const CORE = { name: 'onnxruntime-node', version: '1.29.0', folder: 'bin/napi-v6/linux/x64' }
const PROVIDER = {
  name: 'com.github.asus4.onnxruntime.linux-x64-gpu',
  version: '0.4.9',
  folder: 'Plugins/Linux/x64',
}
const FILES = [
  [CORE, 'libonnxruntime.so.1'],
  [PROVIDER, 'libonnxruntime_providers_shared.so'],
  [PROVIDER, 'libonnxruntime_providers_cuda.so'],
]
const here = fileURLToPath(new URL('.', import.meta.url))
const native = join(here, '../../native')
const headers = join(
  here,
  '../../node_modules/com.github.asus4.onnxruntime/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers',
)

/**
 * @returns {{ library: string, probe: string, environment: Record<string, string>, versions: Record<string, string> }}
 * `environment`: what the probe has to be started with
 */
export function openProvider() {
  const folder = fetched()
  const standIns = mkdtempSync(join(tmpdir(), 'sess-stand-ins-'))
  process.once('exit', () => rmSync(standIns, { recursive: true }))
  const cudaInclude = process.env.SESS_CUDA_INCLUDE ?? '/usr/local/cuda/include'
  if (!existsSync(join(cudaInclude, 'cuda_runtime_api.h'))) {
    throw new Error(`no cuda_runtime_api.h in ${cudaInclude}: name its folder with SESS_CUDA_INCLUDE`)
  }
  makeStandIns(join(folder, 'libonnxruntime_providers_cuda.so'), cudaInclude, standIns)
  const probe = join(standIns, 'probe')
  const sources = readdirSync(join(native, 'ort')).filter((file) => file.endsWith('.cc'))
  execFileSync('c++', [
    ...['-std=c++20', '-O1', '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror'],
    ...['-DORT_API_MANUAL_INIT', '-isystem', headers, '-I', native, join(here, 'probe.cc')],
    ...sources.map((file) => join(native, 'ort', file)),
    join(native, 'cuda/none.cc'), // the device is the stand-ins'
    ...['-o', probe, join(standIns, `libcudart.so.${cudaMajor(standIns)}`), '-ldl', '-lpthread'],
  ])
  return {
    library: join(folder, 'libonnxruntime.so.1'),
    probe,
    environment: { ...process.env, LD_LIBRARY_PATH: standIns },
    versions: { [CORE.name]: CORE.version, [PROVIDER.name]: PROVIDER.version, cuda: cudaMajor(standIns) },
  }
}

function cudaMajor(standIns) {
  return readdirSync(standIns).flatMap((file) => file.match(/^libcudart\.so\.(\d+)$/)?.[1] ?? [])[0]
}

function fetched() {
  const cache = join(envPaths('sess-saliency', { suffix: '' }).cache, 'placement')
  const folder = join(cache, `onnxruntime-${CORE.version}`)
  if (FILES.every(([, file]) => existsSync(join(folder, file)))) return folder
  mkdirSync(folder, { recursive: true })
  for (const { name, version, folder: inside } of [CORE, PROVIDER]) {
    execFileSync('npm', ['pack', '--silent', `${name}@${version}`], {
      cwd: cache,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const archive = join(cache, `${name}-${version}.tgz`)
    execFileSync('tar', ['xzf', archive, '-C', cache, `package/${inside}`])
    rmSync(archive)
    for (const [owner, file] of FILES) {
      if (owner.name === name) copyFileSync(join(cache, 'package', inside, file), join(folder, file))
    }
    rmSync(join(cache, 'package'), { recursive: true })
  }
  return folder
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [to] = process.argv.slice(2)
  if (to === undefined) throw new Error('node bench/placement/provider.mjs FOLDER')
  mkdirSync(to, { recursive: true })
  for (const [, file] of FILES) copyFileSync(join(fetched(), file), join(to, file))
}
