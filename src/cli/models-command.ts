import type { Command } from 'commander'
import {
  addCommonOptions,
  addOverrideOptions,
  type CommonArguments,
  type OverrideArguments,
  unsaid,
} from './arguments.ts'
import type { Context } from './context.ts'

type Settle = (work: () => Promise<number>) => Promise<void>

export interface PullArguments extends CommonArguments {
  readonly force?: boolean
}

export interface InfoArguments extends OverrideArguments, CommonArguments {}

/** `sess models` and its commands. */
export function addModelsCommand(program: Command, context: Context, settle: Settle): void {
  const models = program
    .command('models')
    .summary('the models that are known, and what a model file is')
    .description('The models that are known by name, where they are, and what any .onnx file is.')
    .helpCommand(false)
  models.addHelpText('after', example('sess models pull resnet50-v1-12'))

  addCommonOptions(models.command('list').description('The models that are known, and which of them are here.'))
    .addHelpText('after', example('sess models list'))
    .action((options: CommonArguments) =>
      settle(async () => (await import('./models.ts')).list({ ...unsaid, ...options }, context)),
    )

  addCommonOptions(
    models
      .command('pull <id...>')
      .description(
        'Downloads models (ids, or hf:ORG/NAME[@REVISION][:VARIANT]) into the cache (SESS_CACHE), and checks those that are there.',
      )
      .option('--force', 'download again what is there already'),
  )
    .addHelpText('after', example('sess models pull resnet50-v1-12 vgg16-12'))
    .action((ids: string[], options: PullArguments) =>
      settle(async () => (await import('./models.ts')).pull(ids, { ...unsaid, ...options }, context)),
    )

  const describing = models
    .command('info <model>')
    .description(
      'What a model is: an id, any .onnx file, a folder, or hf:ORG/NAME that was pulled. Nothing is downloaded for it.',
    )
  addCommonOptions(addOverrideOptions(describing))
    .addHelpText('after', example('sess models info resnet50.onnx --layer layer3'))
    .action((model: string, options: InfoArguments) =>
      settle(async () => (await import('./models.ts')).info(model, { ...unsaid, ...options }, context)),
    )

  addCommonOptions(models.command('path <id>').description("The path of a model's file that is here."))
    .addHelpText('after', example('sess models path resnet50-v1-12'))
    .action((id: string, options: CommonArguments) =>
      settle(async () => (await import('./models.ts')).path(id, { ...unsaid, ...options }, context)),
    )
}

function example(command: string): string {
  return `\nExample:\n  ${command}\n`
}
