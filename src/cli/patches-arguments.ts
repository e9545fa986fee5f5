import type { Command } from 'commander'
import { methods } from '../methods/index.ts'
import { addWindowsOptions, type FusionMode, fusionModes, type WindowsArguments } from './arguments.ts'
import { collect, integer, oneOf, option, step, text } from './parsers.ts'

export interface PatchesArguments extends Omit<WindowsArguments, 'model'> {
  readonly model?: readonly string[]
  readonly target?: string | undefined
  readonly method?: readonly string[]
  readonly step?: number | readonly [number, number]
  readonly fusion?: FusionMode
  readonly perScale?: number
}

export function addPatchesOptions(command: Command): Command {
  command
    .addOption(
      option(
        '-o, --output <out>',
        'repeatable: .png .jpg .webp pages, .json numbers, .html report (default: NAME.patches.png)',
        text,
      ).argParser(collect('-o')),
    )
    .addOption(option('--target <class>', 'index, label or part of a label (default: top-1 of each model)', text))
    .addOption(
      option('--method <name>', `repeatable, beside each other (default: ${methods[0]?.name})`, text).argParser(
        collect('--method'),
      ),
    )
    .addOption(option('--step <n|y,x>', "step of the windows (default: the window's size)", step))
    .addOption(option('--fusion <mode>', 'mean, max or average (default: mean)', oneOf(...fusionModes)))
    .addOption(option('--per-scale <n>', 'show only the n heaviest windows of each scale (default: all)', integer(1)))
  return addWindowsOptions(command)
}
