import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { shared, sharedMissing } from '../shared.ts'

const main = resolve(import.meta.dirname, '../../dist/cli/main.js')
const unbuilt = existsSync(main) ? undefined : 'npm run build has not been run'
const model = shared('models/mobilenet-v1-075-224.onnx')
const image = shared('golden/images/both.png')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-process-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function ended(child: ChildProcess) {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (data) => (stdout += data))
  child.stderr?.on('data', (data) => (stderr += data))
  const [status, signal] = await once(child, 'close')
  return { status, signal, stdout, stderr }
}

const start = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawn(process.execPath, [main, ...argv], { env: { ...process.env, ...env }, cwd: folder })

describe.skipIf(unbuilt)(`the built command${unbuilt ? `: ${unbuilt}` : ''}`, { timeout: 120_000 }, () => {
  it('prints its version without the native core', async () => {
    const result = await ended(start(['--version'], { SESS_ORT_LIBRARY: '/nowhere' }))
    expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' })
  })

  it('says what is missing, and doctor too', async () => {
    const broken = { SESS_ORT_LIBRARY: '/nowhere' }
    const classify = await ended(start(['classify', image, '--model', model], broken))
    expect(classify).toMatchObject({ status: 1, stdout: '' })
    expect(classify.stderr).toMatch(/^sess: NATIVE_MISSING: [^\n]*\n$/)
    const doctor = await ended(start(['doctor', '--json'], broken))
    expect(doctor.status).toBe(1)
    expect(JSON.parse(doctor.stdout).healthy).toBe(false)
  })

  it('tells an addon that is missing from one that cannot be loaded', async () => {
    const elsewhere = () => ended(start(['classify', image], { SESS_SALIENCY_PREBUILD: folder }))
    const missing = `neither in ${folder}/build/Release nor in ${folder}/prebuilds`
    expect((await elsewhere()).stderr).toContain(`NATIVE_MISSING: The native addon is ${missing} for `)
    mkdirSync(join(folder, 'build/Release'), { recursive: true })
    writeFileSync(join(folder, 'build/Release/sess.node'), 'no library')
    const { status, stderr } = await elsewhere()
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^sess: NATIVE_MISSING: The native addon cannot be loaded \(.*sess\.node: [^\n]+\): reinstall /,
    )
  })

  it.skipIf(sharedMissing)('writes no progress where stderr is no terminal', async () => {
    const argv = ['explain', image, '--model', model, '--scales', '2', '-o', 'a.png']
    const result = await ended(start(argv))
    expect(result).toMatchObject({ status: 0, stdout: '' })
    expect(result.stderr).toMatch(/^sess: [^\n]*-> a\.png\n$/)
    expect(readdirSync(folder)).toEqual(['a.png'])
  })

  // Whatever it is doing when the signal comes: reading modules, the model, or running windows.
  it.skipIf(sharedMissing).each([0, 200, 600, 1500])('Ctrl-C after %i ms leaves no file', async (ms) => {
    const outputs = ['-o', 'a.png', '-o', 'a.npy', '-o', 'a.json']
    const child = start(['explain', image, '--model', model, '--step', '8', ...outputs])
    const end = ended(child)
    await delay(ms)
    child.kill('SIGINT')
    const { status, signal, stderr } = await end
    // Before Node has started its first module there is nobody to catch the signal; shells report that as 130, too.
    if (signal === null) {
      expect(status).toBe(130)
      expect(stderr).toMatch(/^sess: ABORTED: /)
    } else expect(signal).toBe('SIGINT')
    expect(readdirSync(folder)).toEqual([])
  })

  it.skipIf(sharedMissing)('a reader that stops reading is no failure', async () => {
    const child = start(['explain', image, '--model', model, '--plan', '--step', '8', '--json'])
    child.stdout?.destroy()
    const [status] = await once(child, 'close')
    expect(status).toBe(0)
  })
})
