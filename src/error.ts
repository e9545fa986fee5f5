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
  const shown =
    typeof value === 'string' ? `"${value}"` : Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
  return new SessError('OPTION_INVALID', `${option} is ${shown}; expected ${expected}.`)
}
