import { inspect } from 'node:util'

/** Every code a failure can carry. Names are part of the public contract. */
export type SessErrorCode =
  | 'IMAGE_UNREADABLE'
  | 'IMAGE_TOO_LARGE'
  | 'MODEL_UNREADABLE'
  | 'MODEL_UNSUPPORTED'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_NONFINITE'
  | 'LAYER_NOT_FOUND'
  | 'TARGET_UNKNOWN'
  | 'TARGET_AMBIGUOUS'
  | 'METHOD_UNSUPPORTED'
  | 'OPTION_INVALID'
  | 'DEVICE_UNAVAILABLE'
  | 'OUT_OF_MEMORY'
  | 'OUTPUT_UNWRITABLE'
  | 'DOWNLOAD_FAILED'
  | 'CHECKSUM_MISMATCH'
  | 'BUNDLE_UNREADABLE'
  | 'NATIVE_MISSING'
  | 'ABORTED'
  | 'DISPOSED'

/** The one error type of the toolkit: `code` for programs, a sentence that says what to do for people. */
export class SessError extends Error {
  override readonly name = 'SessError'
  readonly code: SessErrorCode

  constructor(code: SessErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** `OPTION_INVALID` in its one form: option, value, expectation. */
export function invalidOption(option: string, value: unknown, expected: string): SessError {
  return new SessError('OPTION_INVALID', `${option} is ${shown(value)}; expected ${expected}.`)
}

/** `OPTION_INVALID` for an option that would change nothing: option, value, why, and what to do. */
export function uselessOption(option: string, value: unknown, why: string, instead: string): SessError {
  return new SessError('OPTION_INVALID', `${option} is ${shown(value)}, but ${why}: leave it out, or ${instead}.`)
}

const mostItems = 8
const mostCharacters = 200

/** A value as a message prints it: on one line, and cut where it is long. */
function shown(value: unknown, depth = 2): string {
  if (typeof value === 'string') {
    return value.length > mostCharacters ? `"${value.slice(0, mostCharacters)}..."` : `"${value}"`
  }
  if (!Array.isArray(value) || depth === 0) {
    const limits = { depth: 1, maxArrayLength: mostItems, maxStringLength: mostCharacters }
    return inspect(value, limits).replace(/\s+/g, ' ')
  }
  const items = value.slice(0, mostItems).map((item) => shown(item, depth - 1))
  const more = value.length > mostItems ? [`... ${value.length - mostItems} more`] : []
  return `[${[...items, ...more].join(', ')}]`
}
