import { invalidOption } from '../error.ts'
import { gradCam } from './grad-cam.ts'
import type { Method } from './method.ts'

export type { Method } from './method.ts'

/** Every base method, by name. */
export const methods: readonly Method[] = [gradCam]

/** @throws SessError `OPTION_INVALID` for an unknown name, with the known ones */
export function methodByName(name: string): Method {
  const method = methods.find((candidate) => candidate.name === name)
  if (method === undefined) {
    throw invalidOption('method', name, `one of ${methods.map((known) => known.name).join(', ')}`)
  }
  return method
}
