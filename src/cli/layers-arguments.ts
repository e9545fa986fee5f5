import type { Command } from 'commander'
import { methods } from '../methods/index.ts'
import { type ColormapName, colormaps } from '../render/colormaps.ts'
import { type CommonArguments, layerOption, type ModelArguments } from './arguments.ts'
import { addMethodOptions, type MethodArguments } from './method-arguments.ts'
import { collect, integer, oneOf, option, real, text } from './parsers.ts'

export interface LayersArguments extends ModelArguments, MethodArguments, CommonArguments {
  readonly output: readonly string[]
  readonly target?: string | undefined
  readonly against?: string
  readonly method?: string
  readonly maxPixels?: number
  readonly colormap?: ColormapName
  readonly alpha?: number
}

export function addLayersOptions(command: Command): Command {
  command
    .addOption(
      option(
        '-o, --output <out>',
        'repeatable: .png .jpg .webp sheet, .json numbers, .html report (default: NAME.layers.png)',
        text,
      ).argParser(collect('-o')),
    )
    .addOption(option('--target <class>', 'index, label or part of a label (default: top-1)', text))
    .addOption(option('--against <class>', 'explains the target minus this class', text))
    .addOption(option('--method <name>', `one that reads a layer (default: ${methods[0]?.name})`, text))
    .addOption(layerOption())
    .addOption(option('--max-pixels <n>', 'refuse larger images (default: 268000000)', integer(1)))
    .addOption(option('--colormap <name>', `${colormaps.join(', ')} (default: ${colormaps[0]})`, oneOf(...colormaps)))
    .addOption(option('--alpha <a>', 'opacity of the maps, 0 to 1 (default: 0.6)', real(0, 1)))
  return addMethodOptions(command)
}
