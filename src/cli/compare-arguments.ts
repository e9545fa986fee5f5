import type { Command } from 'commander'
import { comparedMethods } from '../methods/compared.ts'
import { addWindowsOptions, type FusionMode, fusionModes, type WindowsArguments } from './arguments.ts'
import { collect, integer, oneOf, option, set, text } from './parsers.ts'

export interface CompareArguments extends WindowsArguments {
  readonly target?: string | undefined
  readonly methods?: readonly string[]
  readonly step?: readonly number[]
  readonly fusion?: readonly FusionMode[]
}

export function addCompareOptions(command: Command): Command {
  command
    .addOption(
      option(
        '-o, --output <out>',
        'repeatable: .png .jpg .webp sheet, .json numbers, .html report, or a folder for these and the maps (default: NAME.compare.png)',
        text,
      ).argParser(collect('-o')),
    )
    .addOption(option('--target <class>', 'index, label or part of a label (default: top-1)', text))
    .addOption(option('--methods <a,b,...>', `one row each (default: ${comparedMethods.join(',')})`, set(text)))
    .addOption(option('--step <a,b,...>', "one column each (default: the window's size)", set(integer(1))))
    .addOption(
      option('--fusion <a,b,...>', 'one column each: mean, max, average (default: mean)', set(oneOf(...fusionModes))),
    )
  return addWindowsOptions(command)
}
