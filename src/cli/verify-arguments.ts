import type { Command } from 'commander'
import type { CommonArguments, ModelArguments } from './arguments.ts'
import { device, integer, option, real, text } from './parsers.ts'

export interface VerifyArguments extends CommonArguments, Pick<ModelArguments, 'device' | 'threads'> {
  readonly image?: string
  readonly model?: string
  readonly tolerance?: number
  readonly maxWindows?: number
  readonly maxPixels?: number
}

export function addVerifyOptions(command: Command): Command {
  return command
    .addOption(option('--image <file>', 'the photo, where it is not where the bundle says', text))
    .addOption(option('--model <model>', 'the model, where it is not what the bundle names', text))
    .addOption(
      option('--device <device>', "auto, cpu, cuda or cuda:N (SESS_DEVICE; default: the bundle's kind)", device),
    )
    .addOption(option('--threads <n>', 'processor threads (SESS_THREADS)', integer(1, 1024)))
    .addOption(option('--tolerance <t>', 'difference from which a pixel counts (default: 0.001)', real(0, 1)))
    .addOption(option('--max-windows <n>', 'refuse larger plans (default: 100000)', integer(1)))
    .addOption(option('--max-pixels <n>', 'refuse larger images (default: 268000000)', integer(1)))
}
