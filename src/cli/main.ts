#!/usr/bin/env node
import { removePendingFiles } from '../io/atomic.ts'

const controller = new AbortController()
let stopped: number | undefined

// The first signal stops the work within a batch and lets it tidy up; a second one does not wait for that.
for (const [name, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(name, () => {
    if (stopped !== undefined) {
      removePendingFiles()
      process.exit(status)
    }
    stopped = status
    controller.abort(new Error(name))
  })
}

// A reader that has seen enough (`sess classify ... | head -1`) is no failure; what is left is still done.
let stdoutClosed = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    stdoutClosed = true
    return
  }
  removePendingFiles()
  process.stderr.write(`sess: OUTPUT_UNWRITABLE: The standard output cannot be written (${error.message}).\n`)
  process.exit(1)
})

// Imported only now: a signal that comes while modules load is kept, too.
const { run } = await import('./program.ts')
const status = await run(process.argv.slice(2), {
  stdout: { write: (text) => stdoutClosed || process.stdout.write(text) },
  stderr: process.stderr,
  env: process.env,
  signal: controller.signal,
  load: async (model, options) => {
    const { Explainer } = await import('../explainer.ts')
    return await Explainer.load(model, options)
  },
})
removePendingFiles()
process.exitCode = status === 130 ? (stopped ?? status) : status
