import { SessError } from '../error.ts'

/** `MODEL_UNREADABLE`: the file is no whole model. `why` continues "Model NAME". */
export function unreadable(name: string, why: string, cause?: unknown): SessError {
  return new SessError('MODEL_UNREADABLE', `Model "${name}" ${why}.`, cause === undefined ? undefined : { cause })
}

/** `MODEL_UNSUPPORTED`: a whole model that this toolkit cannot serve. `why` continues "Model NAME". */
export function unsupported(name: string, why: string, cause?: unknown): SessError {
  return new SessError('MODEL_UNSUPPORTED', `Model "${name}" ${why}.`, cause === undefined ? undefined : { cause })
}
