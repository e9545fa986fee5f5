import { SessError } from '../error.ts'

/** The one form of `ABORTED`, the signal's reason kept as its cause. */
export function abortError(signal: AbortSignal): SessError {
  return new SessError('ABORTED', 'The work was stopped before it was done.', { cause: signal.reason })
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** `work`, or `ABORTED` as soon as the signal says so; work that cannot be stopped runs out unobserved. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  work.catch(() => {})
  throwIfAborted(signal)
  let stop: () => void = () => {}
  const own = AbortSignal.any([signal])
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(signal))
    own.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, stopped])
  } finally {
    own.removeEventListener('abort', stop)
  }
}
