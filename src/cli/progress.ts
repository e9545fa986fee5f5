import type { Context } from './context.ts'
import { terminalBar } from './terminal-bar.ts'

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
  const bar = terminalBar(stderr as NodeJS.WriteStream, '{name} [{bar}] {value}/{total} passes, {phase}')
  return {
    update: ({ done, total, phase }) => bar.update(done, total, { name, phase }),
    stop: () => bar.stop(),
  }
}
