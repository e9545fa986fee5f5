import type { Flags, Origin } from '../report/run-again.ts'
import type { ModelArguments, WindowsArguments } from './arguments.ts'

/** What a command line says of the model, apart from its layer. */
export function modelFlags(options: ModelArguments): Flags {
  const { model, device, precision, threads, tokens, mean, std, labels, activation } = options
  return { model, device, precision, threads, tokens, mean, std, labels, activation }
}

/** What it says of the colours. */
export function colourFlags({ colormap, alpha, alphaByValue, range }: Partial<WindowsArguments>): Flags {
  return { colormap, alpha, alphaByValue, range }
}

/** Where a report comes from: what was said of image, model and colours. `more`: what else the command takes. */
export function originOf(input: string, options: ModelArguments & Partial<WindowsArguments>, more: Flags = {}): Origin {
  return { image: input, flags: { ...modelFlags(options), ...colourFlags(options), ...more } }
}
