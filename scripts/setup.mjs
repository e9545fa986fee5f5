/**
 * What a checkout needs before it works: Debian packages, node_modules, the native addon, dist/. Each step runs only
 * where something is missing or older than its sources; with everything there, no network is used.
 * `node scripts/setup.mjs` does it by itself; the demo and the tests call `setUp` first.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Debian packages by the file or command whose absence asks for them. */
const toBuild = { cmake: 'cmake', 'g++': 'g++', make: 'make' }
const toTest = {
  'clang-format-14': 'clang-format-14',
  '/usr/include/gtest/gtest.h': 'libgtest-dev',
  '/usr/include/benchmark/benchmark.h': 'libbenchmark-dev',
  '/usr/bin/chromium': 'chromium',
}

export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) {
    console.error(`\n${[command, ...args].join(' ')} failed.`)
    process.exit(status ?? 1)
  }
}

function present(what) {
  if (what.startsWith('/')) return existsSync(what)
  return spawnSync('sh', ['-c', `command -v ${what}`], { stdio: 'ignore' }).status === 0
}

function installDebian(packages) {
  const missing = Object.entries(packages).flatMap(([what, name]) => (present(what) ? [] : [name]))
  if (missing.length === 0) return
  const install = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || !present('apt-get')) {
    console.error(`Missing: ${missing.join(', ')}. On Debian, install them with:\n  sudo sh -c '${install}'`)
    process.exit(1)
  }
  console.log(`Installing ${missing.join(', ')}`)
  run('sh', ['-c', install], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** Whether node_modules is there with all that package.json names: a checkout may be older than a dependency. */
function hasPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const names = ['.package-lock.json', ...Object.keys({ ...dependencies, ...devDependencies })]
  return names.every((name) => existsSync(join(root, 'node_modules', name)))
}

function installPackages() {
  if (hasPackages()) return
  console.log('Installing npm packages')
  // onnxruntime-node's own script would fetch CUDA files, and fail the install where it cannot.
  run('npm', ['ci', '--no-audit', '--no-fund'], { env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } })
}

const bin = (name) => join(root, 'node_modules/.bin', name)

/** @param {readonly string[]} [options] of cmake-js */
export function compileAddon(options = []) {
  const common = ['-p', '2', '-l', 'warn', ...options]
  try {
    execFileSync(bin('cmake-js'), ['compile', ...common], { cwd: root, stdio: 'pipe' })
  } catch {
    // A build folder of another machine or an interrupted configuration: once more, from nothing, to be seen.
    run(bin('cmake-js'), ['rebuild', ...common])
  }
}

/** @param {{ readonly tests?: boolean }} [options] `tests`: also what only the native tests and checks need */
export function setUp({ tests = false } = {}) {
  installDebian(tests ? { ...toBuild, ...toTest } : toBuild)
  installPackages()
  console.log('Building the native addon and dist/')
  compileAddon()
  run(bin('tsc'), ['-p', 'tsconfig.build.json'])
  run(process.execPath, [join(root, 'scripts/bundle-report.mjs')])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp()
