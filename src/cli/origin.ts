import type { Flags, Origin } from '../report/run-again.ts'
import type { ModelArguments, WindowsArguments } from './arguments.ts'

type SaidOfModels = Omit<ModelArguments, 'model'> & { readonly model?: string | readonly string[] }
type SaidOfColours = Partial<Pick<WindowsArguments, 'colormap' | 'alpha' | 'alphaByValue' | 'range'>>

/** What a command line says of the model, or of several, apart from the layer. */
export function modelFlags(options: SaidOfModels): Flags {
  const { model, device, precision, threads, tokens, mean, std, labels, activation } = options
  return { model, device, precision, threads, tokens, mean, std, labels, activation }
}

/** What it says of the colours. */
export function colourFlags({ colormap, alpha, alphaByValue, range }: SaidOfColours): Flags {
  return { colormap, alpha, alphaByValue, range }
}

/** Where a report comes from: what was said of image, model and colours. `more`: what else the command takes. */
export function originOf(input: string, options: SaidOfModels & SaidOfColours, more: Flags = {}): Origin {
  return { image: input, flags: { ...modelFlags(options), ...colourFlags(options), ...more } }
}
