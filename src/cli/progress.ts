import { type Context, note } from './context.ts'
import { type TerminalBar, terminalBar } from './terminal-bar.ts'

/** Progress of one image at a time: a bar on a terminal, and a line on stderr before work that takes long. */
interface ProgressBar {
  update(progress: { readonly done: number; readonly total: number; readonly phase: string }): void
  /** Takes the bar off the screen, so that other lines can be written. */
  stop(): void
}

const silent: ProgressBar & TerminalBar = { update() {}, stop() {} }

/** Work under a minute needs no announcement. */
const longSeconds = 60
/** What the first passes are measured over before it is said how long all will take. */
const measuredSeconds = 2

/** `cheaper`: what would make the work shorter, as the line names it. */
export function progressBar(
  context: Context,
  name: string,
  options: { readonly quiet: boolean },
  cheaper: readonly string[],
  now: () => number = () => performance.now() / 1000,
): ProgressBar {
  if (options.quiet) return silent
  const { stderr } = context
  const bar =
    stderr.isTTY === true
      ? terminalBar(
          stderr as NodeJS.WriteStream,
          '{name} [{bar}] {value}/{total} passes, {rate}/s, {eta_formatted} left, {phase}',
        )
      : silent
  const start = now()
  let isAnnounced = false
  return {
    update({ done, total, phase }) {
      const seconds = now() - start
      const estimated = (seconds * total) / Math.max(1, done)
      if (!isAnnounced && done > 0 && seconds >= measuredSeconds) {
        isAnnounced = true
        if (estimated > longSeconds) {
          bar.stop()
          note(
            context,
            options,
            `${name}: ${total} forward passes, ${duration(estimated)}${cheaper.length === 0 ? '' : `; less with ${cheaper.join(', ')}`}.`,
          )
        }
      }
      const rate = seconds > 0 ? (done / seconds).toFixed(1) : '-'
      bar.update(done, total, { name, phase, rate })
    },
    stop: () => bar.stop(),
  }
}

/** `about 3 min 20 s`. */
function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `about ${minutes} min ${whole % 60} s`
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
