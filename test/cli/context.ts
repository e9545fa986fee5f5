import type { Context } from '../../src/cli/context.ts'
import { run } from '../../src/cli/program.ts'

export interface Result {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process. */
export async function sess(argv: readonly string[], context: Partial<Context> = {}): Promise<Result> {
  const written = { stdout: '', stderr: '' }
  const status = await run(argv, {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
    env: {},
    signal: new AbortController().signal,
    load: async (model, options) => (await import('../../src/explainer.ts')).Explainer.load(model, options),
    ...context,
  })
  return { status, ...written }
}
