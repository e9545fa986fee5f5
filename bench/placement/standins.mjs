/** Stand-ins for the CUDA libraries that ONNX Runtime's provider asks for: exactly the symbols that it imports. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const output = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })

/** Libraries by the file that the provider names, and where what they do more than succeed is written. */
const WRITTEN = { 'libcudart.so': 'cudart.cc', 'libcublas.so': 'cublas.c', 'libcublasLt.so': 'cublas.c' }

/** Makes them in `folder`, which goes onto LD_LIBRARY_PATH. `cudaInclude`: of cuda_runtime_api.h. */
export function makeStandIns(provider, cudaInclude, folder) {
  const imported = [...output('nm', '-D', '--undefined-only', provider).matchAll(/ (\w+)@(libcu\S+)/g)]
  for (const [, library] of output('readelf', '-d', provider).matchAll(/NEEDED.*\[(libcu[^\]]+)\]/g)) {
    const symbols = imported.filter(([, , version]) => version === library).map(([, symbol]) => symbol)
    const written = WRITTEN[library.replace(/\.\d+$/, '')]
    const versions = join(folder, `${library}.map`)
    writeFileSync(versions, `${library} { global: *; };\n`)
    const flags = symbols.length > 0 ? [`-Wl,--version-script=${versions}`] : []
    makeLibrary(join(folder, library), { written, symbols, cudaInclude, flags })
  }
  makeLibrary(join(folder, 'libcudnn.so.9'), {
    written: 'cudnn.c',
    symbols: cudnnFunctions(provider),
    cudaInclude,
    flags: [],
  })
}

/** cuDNN is opened when it is first needed, and its functions are looked up by name. */
function cudnnFunctions(provider) {
  return [...new Set(readFileSync(provider, 'latin1').match(/\0cudnn[A-Z]\w+(?=\0)/g))].map((name) => name.slice(1))
}

function makeLibrary(path, { written, symbols, cudaInclude, flags }) {
  const objects = written === undefined ? [] : [compiled(written, `${path}.o`, cudaInclude)]
  const defined = objects.flatMap((object) =>
    [...output('nm', object).matchAll(/ [TW] (\w+)/g)].map(([, symbol]) => symbol),
  )
  const rest = symbols.filter((symbol) => !defined.includes(symbol))
  writeFileSync(`${path}.c`, rest.map(succeeds).join(''))
  const soname = `-Wl,-soname,${basename(path)}`
  output('c++', '-shared', '-fPIC', soname, ...flags, ...objects, '-x', 'c', `${path}.c`, '-o', path)
}

function compiled(source, object, cudaInclude) {
  const [compiler, standard] = source.endsWith('.cc') ? ['c++', '-std=c++20'] : ['cc', '-std=c17']
  const flags = [standard, '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Werror', '-O1', '-fPIC']
  output(compiler, ...flags, '-isystem', cudaInclude, '-c', join(here, source), '-o', object)
  return object
}

const opens = /^(cudnnCreate\w+|cublasLt\w+Create)$/
const succeeds = (symbol) =>
  opens.test(symbol)
    ? `long ${symbol}(void** made) { static char one; *made = &one; return 0; }\n`
    : `long ${symbol}(void) { return 0; }\n`
