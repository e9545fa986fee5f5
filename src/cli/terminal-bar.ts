import cliProgress from 'cli-progress'
import { printable } from '../printable.ts'

/** A bar on a terminal, drawn from its first update on. */
export interface TerminalBar {
  /** `fields`: what the format names besides the bar's own values. */
  update(done: number, total: number, fields: Readonly<Record<string, string>>): void
  /** Takes the bar off the screen, so that other lines can be written. */
  stop(): void
}

/** No colours, no hidden cursor, line wrap left on: nothing to restore when the process is killed. */
export function terminalBar(stream: NodeJS.WritableStream, format: string): TerminalBar {
  const bar = new cliProgress.SingleBar({
    stream,
    format,
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    barsize: 30,
    hideCursor: false,
    linewrap: true,
    clearOnComplete: true,
    stopOnComplete: false,
    etaBuffer: 200,
    fps: 10,
  })
  let started = false
  return {
    update(done, total, fields) {
      const shown = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, printable(value)]))
      if (started) bar.update(done, shown)
      else bar.start(total, done, shown)
      started = true
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}
