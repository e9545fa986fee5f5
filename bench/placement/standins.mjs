/** Stand-ins for the CUDA libraries that ONNX Runtime's provider asks for: exactly the symbols that it imports. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const output = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })

/** Libraries by the file that the provider names, and where what they do more than succeed is written. */
const WRITTEN = { 'libcudart.so': 'cudart.cc', 'libcublas.so': 'cublas.c', 'libcublasLt.so': 'cublas.c' }

/** Makes them in `folder`, which goes onto LD_LIBRARY_PATH. @returns the names of the libraries made */
export function makeStandIns(provider, cudaInclude, folder) {
  mkdirSync(folder, { recursive: true })
  const needed = output('readelf', '-d', provider).matchAll(/NEEDED.*\[(libcu[^\]]+)\]/g)
  const imported = [...output('nm', '-D', '--undefined-only', provider).matchAll(/ (\w+)@(libcu\S+)/g)]
  for (const [, library] of needed) {
    const symbols = imported.filter(([, , version]) => version === library).map(([, symbol]) => symbol)
    const written = WRITTEN[library.replace(/\.\d+$/, '')]
    makeLibrary({ library, written, symbols, versioned: symbols.length > 0 })
  }
  makeLibrary({ library: 'libcudnn.so.9', written: 'cudnn.c', symbols: cudnnFunctions(), versioned: false })

  function makeLibrary({ library, written, symbols, versioned }) {
    const objects = []
    if (written !== undefined) {
      const object = join(folder, `${library}.o`)
      const [compiler, standard] = written.endsWith('.cc') ? ['c++', '-std=c++20'] : ['cc', '-std=c17']
      const warnings = ['-Wall', '-Wextra', '-Werror', '-O1', '-fPIC', '-isystem', cudaInclude]
      output(compiler, standard, ...warnings, '-c', join(here, written), '-o', object)
      objects.push(object)
    }
    const defined = new Set(
      objects.flatMap((object) => [...output('nm', object).matchAll(/ [TtWw] (\w+)/g)]).map(([, symbol]) => symbol),
    )
    const rest = join(folder, `${library}.c`)
    writeFileSync(
      rest,
      symbols
        .filter((symbol) => !defined.has(symbol))
        .map(succeeds)
        .join(''),
    )
    const version = join(folder, `${library}.map`)
    writeFileSync(version, `${library} { global: *; };\n`)
    const script = versioned ? [`-Wl,--version-script=${version}`] : []
    output(
      'c++',
      '-shared',
      '-fPIC',
      `-Wl,-soname,${library}`,
      ...script,
      ...objects,
      '-x',
      'c',
      rest,
      '-o',
      join(folder, library),
    )
  }

  /** cuDNN is opened when it is first needed, and its functions are looked up by name. */
  function cudnnFunctions() {
    return [...new Set(readFileSync(provider, 'latin1').match(/\0cudnn[A-Z]\w+(?=\0)/g))].map((name) => name.slice(1))
  }
}

const opens = /^(cudnnCreate\w+|cublasLt\w+Create)$/
const succeeds = (symbol) =>
  opens.test(symbol)
    ? `long ${symbol}(void** made) { static char one; *made = &one; return 0; }\n`
    : `long ${symbol}(void) { return 0; }\n`
