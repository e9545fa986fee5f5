import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const addon = join(root, 'build/Release/sess.node')
const built = existsSync(join(root, 'dist/cli/main.js')) && existsSync(addon)
const unbuilt = built ? undefined : 'npm run build has not been run'

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

let folder: string
let packed: Packed
let installed: string

/** The tarball unpacked where an install would put it, with its dependencies beside it and the addon of this machine. */
beforeAll(() => {
  if (!built) return
  folder = mkdtempSync(join(tmpdir(), 'sess-packed-'))
  const output = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, encoding: 'utf8' })
  packed = JSON.parse(output)[0]
  const modules = join(folder, 'node_modules')
  installed = join(modules, 'sess-saliency')
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['xzf', join(folder, packed.filename), '-C', installed, '--strip-components', '1'])
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  const prebuilt = join(installed, `prebuilds/${process.platform}-${process.arch}`)
  mkdirSync(prebuilt, { recursive: true })
  cpSync(addon, join(prebuilt, 'sess.node'))
})
afterAll(() => {
  if (built) rmSync(folder, { recursive: true })
})

describe.skipIf(unbuilt)(`the packed tarball${unbuilt ? `: ${unbuilt}` : ''}`, () => {
  it('stays under 15 MB without native binaries', () => {
    const binaries = packed.files.filter(({ path }) => path.startsWith('prebuilds/'))
    expect(packed.size - binaries.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(15e6)
  })

  it('has the model with labels and card, and nothing that only training leaves behind', () => {
    const paths = packed.files.map(({ path }) => path)
    for (const name of ['tiny200.onnx', 'tiny200.json', 'labels.json', 'README.md']) {
      expect(paths).toContain(`models/tiny200/${name}`)
    }
    expect(paths.filter((path) => /__pycache__|\.(pt|pyc|part)$/.test(path))).toEqual([])
  })

  it('explains a photo once installed, without checkout, cache or network', () => {
    const proxy = 'http://127.0.0.1:1'
    const env = { ...process.env, SESS_CACHE: join(folder, 'cache'), HTTPS_PROXY: proxy, HTTP_PROXY: proxy }
    const main = join(installed, 'dist/cli/main.js')
    const argv = [main, 'explain', join(root, 'docs/photos/coffee.png'), '-o', 'map.npy', '-o', 'facts.json']
    execFileSync(process.execPath, argv, { cwd: folder, env, stdio: 'pipe' })
    const facts = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8'))
    const model = { id: 'tiny200', path: join(installed, 'models/tiny200/tiny200.onnx') }
    expect(facts).toMatchObject({ model, target: { label: expect.any(String) } })
    expect(existsSync(join(folder, 'map.npy'))).toBe(true)
    expect(existsSync(join(folder, 'cache'))).toBe(false)
  })
})
