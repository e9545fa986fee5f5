import { type Context, note } from './context.ts'
import { terminalBar } from './terminal-bar.ts'

interface DownloadBar {
  update(progress: { readonly done: number; readonly total: number }): void
  /** Takes the bar off the screen. */
  stop(): void
}

/** A bar on the terminal while a model is downloaded; elsewhere one line when it begins. */
export function downloadBar(context: Context, name: string, options: { readonly quiet: boolean }): DownloadBar {
  const { stderr } = context
  if (options.quiet) return { update() {}, stop() {} }
  if (stderr.isTTY !== true) {
    let told = false
    return {
      update({ total }) {
        if (!told) note(context, options, `downloading ${name}, ${megabytes(total)}`)
        told = true
      },
      stop() {},
    }
  }
  const format = '{name} [{bar}] {percentage} % of {size}, {eta_formatted} left'
  const bar = terminalBar(stderr as NodeJS.WriteStream, format)
  return {
    update: ({ done, total }) => bar.update(done, total, { name, size: megabytes(total) }),
    stop: () => bar.stop(),
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}
