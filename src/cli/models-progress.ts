import cliProgress from 'cli-progress'
import { type Context, note } from './context.ts'

export interface DownloadBar {
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
  const bar = new cliProgress.SingleBar({
    stream: stderr as NodeJS.WriteStream,
    format: '{name} [{bar}] {percentage} % of {size}, {eta_formatted} left',
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    barsize: 30,
    hideCursor: false,
    clearOnComplete: true,
    stopOnComplete: false,
    etaBuffer: 200,
    fps: 10,
  })
  let started = false
  return {
    update({ done, total }) {
      if (started) bar.update(done)
      else bar.start(total, done, { name, size: megabytes(total) })
      started = true
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}
