import type { Command } from 'commander'
import { type CopySettings, givenSettings } from '../methods/settings.ts'
import { integer, oneOf, option, real } from './parsers.ts'

/** Options of single methods. */
export interface MethodArguments extends CopySettings {
  readonly seed?: number | undefined
}

export function addMethodOptions(command: Command): Command {
  return command
    .addOption(option('--samples <n>', 'noisy copies of smoothgrad, steps of integrated-gradients', integer(1, 10_000)))
    .addOption(option('--top-channels <n>', 'of score-cam: only those of the largest variance', integer(1)))
    .addOption(option('--groups <n>', 'of group-cam (default: 32)', integer(1)))
    .addOption(
      option('--grouping <how>', 'of group-cam: consecutive (default) or k-means', oneOf('consecutive', 'k-means')),
    )
    .addOption(option('--masks <n>', 'of rise (default: 4000)', integer(1, 100_000)))
    .addOption(option('--mask-grid <n>', 'cells of a mask of rise along each axis (default: 7)', integer(1, 1024)))
    .addOption(
      option('--keep <q>', 'share of the cells that a mask of rise keeps (default: 0.5)', real(0, 1, 'within')),
    )
    .addOption(option('--square <n>', "side of occlusion's square (default: a seventh of the window)", integer(1)))
    .addOption(option('--stride <n>', "step of occlusion's square (default: half its side)", integer(1)))
    .addOption(option('--seed <n>', 'for methods that draw at random (default: 0)', integer(0)))
}

/** What was said of these. */
export function methodArguments(all: MethodArguments): MethodArguments {
  return { ...givenSettings(all), seed: all.seed }
}
