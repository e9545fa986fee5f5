import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'

const root = resolve(import.meta.dirname, '..')
/** The native end-to-end program in the folder of a native build. */
export const explainProgram = (build: string): string => join(root, build, 'native/bench/gpu/gpu_explain')

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command in the repository; `env` beside this process's own. */
export async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return await new Promise((done) => {
    const child = execFile(command, args, { cwd: root, env: { ...process.env, ...env } }, (_, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** Of the cases. */
export const photo = 'docs/photos/coffee.png'

/** Runs bench/gpu/cases.mjs: tiny200, one photo, without the reference photos. */
export async function runCases(folder: string, ...options: string[]): Promise<Outcome> {
  const given = ['--no-goldens', '--model', 'tiny200', '--photo', photo, ...options]
  return await run('node', ['bench/gpu/cases.mjs', folder, ...given])
}

/** A new folder with a case of two scales for each method: `tiny200.METHOD.2-scales.case`, or `.fp16.case`. */
export async function writeCases(methods: readonly string[], precision: 'fp32' | 'fp16' = 'fp32'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-cases-'))
  const options = methods.flatMap((method) => ['--method', method])
  const { status, stderr } = await runCases(folder, '--scales', '2', '--precision', precision, ...options)
  expect({ status, stderr }).toMatchObject({ status: 0 })
  return folder
}
