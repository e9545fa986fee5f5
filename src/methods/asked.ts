import { invalidOption, uselessOption } from '../error.ts'
import { type Method, readsLayer } from './method.ts'
import { type CopySettings, copiesWith, refuseUnusedSettings } from './settings.ts'

// What is asked of a method and is not its to take, whatever the model: known before one is loaded.

interface Asked extends CopySettings {
  readonly layer?: string | undefined
  readonly against?: unknown
}

/** @throws SessError `OPTION_INVALID` for a setting, a layer or classes that the method does not take */
export function refuseUntaken(method: Method, asked: Asked): void {
  copiesWith(method, asked)
  refuseUnread(method, asked)
}

/** As `refuseUntaken`, of methods beside each other: each takes the settings that it has. */
export function refuseUntakenByAll(methods: readonly Method[], asked: Asked): void {
  refuseUnusedSettings(asked, methods)
  for (const method of methods) refuseUnread(method, asked)
}

/** @throws SessError `OPTION_INVALID` for a method that reads no layer */
export function refuseWithoutLayer(method: Method): void {
  if (readsLayer(method)) return
  throw invalidOption('method', method.name, `one that reads a layer, such as grad-cam: ${method.name} reads no layer`)
}

/** A layer that a call asks for has to be read; the one of `load` is a default for every method, and need not be. */
function refuseUnread(method: Method, { layer, against }: Asked): void {
  const { name } = method
  if (layer !== undefined && !readsLayer(method)) {
    throw uselessOption('layer', layer, `${name} reads no layer`, 'take a method that does, such as grad-cam')
  }
  if (against === undefined) return
  if (method.kind === 'cam' && method.reads === 'activations') {
    throw uselessOption('against', against, `${name} reads no class`, 'take a method that does')
  }
  if (method.kind === 'masks') {
    const why = `${name} reads the scores of one class`
    throw uselessOption('against', against, why, 'take a method that reads gradients')
  }
}
