import { SessError, type SessErrorCode } from '../error.ts'
import { encodeJson } from '../io/json.ts'
import { printable } from '../printable.ts'

const usage: ReadonlySet<SessErrorCode> = new Set([
  'OPTION_INVALID',
  'TARGET_UNKNOWN',
  'TARGET_AMBIGUOUS',
  'LAYER_NOT_FOUND',
  'METHOD_UNSUPPORTED',
])

/** Failures that the next image would meet too. */
const lasting: ReadonlySet<SessErrorCode> = new Set([
  'TARGET_UNKNOWN',
  'TARGET_AMBIGUOUS',
  'LAYER_NOT_FOUND',
  'METHOD_UNSUPPORTED',
  'MODEL_NOT_FOUND',
  'MODEL_UNREADABLE',
  'MODEL_UNSUPPORTED',
  'DEVICE_UNAVAILABLE',
  'NATIVE_MISSING',
  'ABORTED',
  'DISPOSED',
])

/** 2: the command was wrong; 130: stopped by Ctrl-C; 1: anything else that failed. */
export function exitStatus(error: unknown): 1 | 2 | 130 {
  if (!(error instanceof SessError)) return 1
  if (error.code === 'ABORTED') return 130
  return usage.has(error.code) ? 2 : 1
}

/** The status of a run over several inputs: 2 only when wrong usage failed them all. */
export function combinedStatus(failures: readonly unknown[], inputs: number): 0 | 1 | 2 | 130 {
  if (failures.length === 0) return 0
  const statuses = failures.map(exitStatus)
  if (statuses.includes(130)) return 130
  return failures.length === inputs && statuses.every((status) => status === 2) ? 2 : 1
}

export function stopsTheRun(error: unknown): boolean {
  return !(error instanceof SessError) || lasting.has(error.code)
}

/** `sess: CODE: sentence` on one line; with `verbose` the stack and the causes below it. */
export function failureText(
  error: unknown,
  options: { readonly input?: string; readonly verbose?: boolean } = {},
): string {
  const { input, verbose = false } = options
  const code = error instanceof SessError ? error.code : 'INTERNAL'
  const message = inFlags(code, error instanceof Error ? error.message : String(error))
    .replace(/\s*\n\s*/g, ' ')
    .trim()
  const subject = input === undefined || message.includes(input) ? '' : `${input}: `
  const lines = verbose && error instanceof Error ? stackOf(error).split('\n') : []
  return [`sess: ${code}: ${subject}${message}`, ...lines].map((line) => `${printable(line)}\n`).join('')
}

/** Where the command line's name is not the library's. */
const flagNames: Readonly<Record<string, string>> = { steps: 'step', fusions: 'fusion' }

/** The library's option that a sentence begins with, as the command line writes it. */
function inFlags(code: string, message: string): string {
  if (code !== 'OPTION_INVALID') return message
  return message.replace(
    /^[a-z][A-Za-z]*(?= is )/,
    (name) => `--${(flagNames[name] ?? name).replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
  )
}

/** The line that `--json` has for an input that failed. */
export function failureJson(input: string, error: unknown): string {
  return encodeJson({ image: { name: input }, error: failureData(error) })
}

/** An error as `--json` has it. */
export function failureData(error: unknown): { readonly code: string; readonly message: string } {
  const code = error instanceof SessError ? error.code : 'INTERNAL'
  return { code, message: error instanceof Error ? error.message : String(error) }
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message
  return error.cause instanceof Error ? `${own}\nCaused by: ${stackOf(error.cause)}` : own
}
