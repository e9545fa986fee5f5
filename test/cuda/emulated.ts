import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { cudaPresence } from '../../src/native.ts'

const main = resolve(import.meta.dirname, '../../dist/cli/main.js')

/** Why these tests cannot run here, or `undefined`: they look into the emulated device. */
export const notEmulated: string | undefined =
  cudaPresence().devices[0]?.name === 'emulated device' ? undefined : 'run it with scripts/emulated.mjs'

/** What the device did while a process ran. */
export interface Counts {
  readonly up: Copies
  readonly down: Copies
  readonly within: Copies
  readonly launches: number
  readonly peakBytes: number
  readonly heldBytes: number
  /** The first error of a kernel, 0 where there was none. */
  readonly fault: number
}

interface Copies {
  readonly number: number
  readonly bytes: number
}

export interface Ended {
  readonly status: number | null
  readonly stderr: string
  readonly counts: Counts
}

/** Runs a process of Node on the emulated device. */
export async function counted(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-counts-'))
  const file = join(folder, 'counts.json')
  try {
    const child = spawn(process.execPath, argv, { env: { ...process.env, ...env, SESS_EMULATED_COUNTS: file } })
    let stderr = ''
    child.stderr.on('data', (data) => (stderr += data))
    child.stdout.resume()
    const [status] = await once(child, 'close')
    return { status, stderr, counts: JSON.parse(readFileSync(file, 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The same for a command of `sess`. */
export const sess = (argv: readonly string[], env?: NodeJS.ProcessEnv) => counted([main, ...argv], env)
