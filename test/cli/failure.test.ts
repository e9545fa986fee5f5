import { describe, expect, it } from 'vitest'
import { combinedStatus, exitStatus, failureText } from '../../src/cli/failure.ts'
import { SessError, type SessErrorCode } from '../../src/error.ts'

const failure = (code: SessErrorCode) => new SessError(code, 'No.')

it.each<[SessErrorCode, number]>([
  ['OPTION_INVALID', 2],
  ['TARGET_UNKNOWN', 2],
  ['TARGET_AMBIGUOUS', 2],
  ['LAYER_NOT_FOUND', 2],
  ['METHOD_UNSUPPORTED', 2],
  ['ABORTED', 130],
  ['IMAGE_UNREADABLE', 1],
  ['IMAGE_TOO_LARGE', 1],
  ['MODEL_NOT_FOUND', 1],
  ['MODEL_UNREADABLE', 1],
  ['DEVICE_UNAVAILABLE', 1],
  ['OUTPUT_UNWRITABLE', 1],
  ['CHECKSUM_MISMATCH', 1],
  ['NATIVE_MISSING', 1],
])('%s ends with status %i', (code, status) => expect(exitStatus(failure(code))).toBe(status))

it('anything else ends with status 1', () => expect(exitStatus(new TypeError('x'))).toBe(1))

it.each<[SessErrorCode[], number, number]>([
  [[], 3, 0],
  [['IMAGE_UNREADABLE'], 1, 1],
  [['IMAGE_UNREADABLE'], 3, 1],
  [['OPTION_INVALID'], 1, 2],
  [['OPTION_INVALID'], 3, 1], // some input failed, others done
  [['OPTION_INVALID', 'OPTION_INVALID'], 2, 2],
  [['OPTION_INVALID', 'IMAGE_UNREADABLE'], 2, 1],
])('failures %j of %i inputs end with status %i', (codes, inputs, status) => {
  expect(combinedStatus(codes.map(failure), inputs)).toBe(status)
})

describe('the text of a failure', () => {
  it('is one line with its code', () => {
    expect(failureText(new SessError('IMAGE_UNREADABLE', 'a.png is\n  broken.'))).toBe(
      'sess: IMAGE_UNREADABLE: a.png is broken.\n',
    )
  })

  it('names the input unless the sentence does', () => {
    const error = new SessError('OPTION_INVALID', 'The plan has 9 windows.')
    expect(failureText(error, { input: 'a.png' })).toBe('sess: OPTION_INVALID: a.png: The plan has 9 windows.\n')
    expect(failureText(new SessError('IMAGE_UNREADABLE', 'a.png is broken.'), { input: 'a.png' })).toMatch(
      /: a\.png is broken\.\n$/,
    )
  })

  it('has the stack and the causes with --verbose', () => {
    const error = new SessError('MODEL_UNREADABLE', 'No.', { cause: new Error('deeper') })
    expect(failureText(error, { verbose: true })).toMatch(
      /^sess: MODEL_UNREADABLE: No\.\nSessError: No\.\n {4}at .*Caused by: Error: deeper/s,
    )
    expect(failureText(error)).not.toMatch(/at /)
  })

  it('of something unforeseen says so', () => {
    expect(failureText(new TypeError('x is undefined'))).toBe('sess: INTERNAL: x is undefined\n')
  })
})
