import cliProgress from 'cli-progress'
import type { Context } from './context.ts'

/** A bar on the terminal, for one image at a time; silent where stderr is no terminal or nothing is wanted. */
export interface ProgressBar {
  update(progress: { readonly done: number; readonly total: number; readonly phase: string }): void
  /** Takes the bar off the screen, so that other lines can be written. */
  stop(): void
}

const silent: ProgressBar = { update() {}, stop() {} }

export function progressBar(context: Context, name: string, options: { readonly quiet: boolean }): ProgressBar {
  const { stderr } = context
  if (options.quiet || stderr.isTTY !== true) return silent
  const bar = new cliProgress.SingleBar({
    stream: stderr as NodeJS.WriteStream,
    // No colours and no hidden cursor: nothing to restore when the process is killed.
    format: '{name} [{bar}] {value}/{total} windows, {phase}',
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    barsize: 30,
    hideCursor: false,
    linewrap: true,
    clearOnComplete: true,
    stopOnComplete: false,
    fps: 10,
  })
  let started = false
  return {
    update({ done, total, phase }) {
      if (started) bar.update(done, { name, phase })
      else bar.start(total, done, { name, phase })
      started = true
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}
