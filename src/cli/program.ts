import { Command, CommanderError } from 'commander'
import { SessError } from '../error.ts'
import { version } from '../versions.ts'
import {
  addClassifyOptions,
  addCommonOptions,
  addExplainOptions,
  addModelOptions,
  addModelsOptions,
  type ClassifyArguments,
  type CommonArguments,
  type ExplainArguments,
  unsaid,
} from './arguments.ts'
import { addCompareOptions, type CompareArguments } from './compare-arguments.ts'
import type { Context } from './context.ts'
import { exitStatus, failureText } from './failure.ts'
import { addLayersOptions, type LayersArguments } from './layers-arguments.ts'
import { addModelsCommand } from './models-command.ts'
import { addPatchesOptions, type PatchesArguments } from './patches-arguments.ts'
import { addVerifyOptions, type VerifyArguments } from './verify-arguments.ts'

/** Runs one command line (without node and script) and returns the exit status. */
export async function run(argv: readonly string[], context: Context): Promise<number> {
  let status = 0
  // Commands are imported when they run: help and usage errors need neither sharp nor the native core.
  const settle = async (work: () => Promise<number>) => {
    status = await work()
  }
  const program = new Command('sess')
    .description('Where in the photo did the answer come from? Saliency maps of any ONNX classifier.')
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // Told below, on one line and with a code.
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', example('sess explain photo.jpg --target tabby'))

  const explaining = program
    .command('explain <image...>')
    .summary('the saliency of each image')
    .description('The saliency of each image: where the model looked for the target class.')
  addExplainOptions(addModelOptions(explaining))
  addCommonOptions(explaining)
    .addHelpText(
      'after',
      example('sess explain photo.jpg --model resnet50.onnx --target "tiger cat" -o cat.png -o cat.npy'),
    )
    .action((images: string[], options: ExplainArguments) =>
      settle(async () => (await import('./explain.ts')).explain(images, { ...unsaid, ...options }, context)),
    )

  const classifying = program
    .command('classify <image...>')
    .summary('labels and probabilities of each image')
    .description('Labels and probabilities of each image as a whole, most probable first.')
  addClassifyOptions(addModelOptions(classifying))
  addCommonOptions(classifying)
    .addHelpText('after', example('sess classify photo.jpg --top 3'))
    .action((images: string[], options: ClassifyArguments) =>
      settle(async () => (await import('./classify.ts')).classify(images, { ...unsaid, ...options }, context)),
    )

  const comparing = program
    .command('compare <image>')
    .summary('base and SESS side by side for several methods, steps or fusions')
    .description(
      'Base map and SESS side by side: a row for each method, a column for each step and fusion. ' +
        'Score-CAM takes 5 scales and a pre-filter of 0.5 unless --scales and --pre-filter say otherwise.',
    )
  addCompareOptions(addModelOptions(comparing))
  addCommonOptions(comparing)
    .addHelpText('after', example('sess compare photo.jpg --methods grad-cam,guided-backprop --step 16,32,64 -o out/'))
    .action((image: string, options: CompareArguments) =>
      settle(async () =>
        (await import('./compare.ts')).compare(image, { ...unsaid, ...options, target: options.target }, context),
      ),
    )

  const surveying = program
    .command('layers <image>')
    .summary('the base map at every layer that can be explained')
    .description("The base method's map at every layer that it can read, as one sheet; the chosen layer is marked.")
  addLayersOptions(addModelOptions(surveying))
  addCommonOptions(surveying)
    .addHelpText('after', example('sess layers photo.jpg --method layer-cam -o layers.png'))
    .action((image: string, options: LayersArguments) =>
      settle(async () =>
        (await import('./layers.ts')).layers(image, { ...unsaid, ...options, target: options.target }, context),
      ),
    )

  const showing = program
    .command('patches <image>')
    .summary("every window's map on the image, by scale, for several models or methods")
    .description(
      "Every window's own map on the image, by scale, the heaviest first, for several models or methods beside each " +
        'other; below them how scores hold out against scale and occlusion.',
    )
  addPatchesOptions(addModelsOptions(showing))
  addCommonOptions(showing)
    .addHelpText('after', example('sess patches photo.jpg --method grad-cam --method layer-cam --scales 5'))
    .action((image: string, options: PatchesArguments) =>
      settle(async () =>
        (await import('./patches.ts')).patches(image, { ...unsaid, ...options, target: options.target }, context),
      ),
    )

  const verifying = program
    .command('verify <bundle...>')
    .summary('whether bundles come out the same again')
    .description(
      'Computes the maps of bundles (sess explain -o NAME.sess) again, and says what differs, by how much and where.',
    )
  addCommonOptions(addVerifyOptions(verifying))
    .addHelpText('after', example('sess verify cat.sess --image photos/cat.jpg'))
    .action((bundles: string[], options: VerifyArguments) =>
      settle(async () => (await import('./verify.ts')).verifyBundles(bundles, { ...unsaid, ...options }, context)),
    )

  addModelsCommand(program, context, settle)

  const examining = program
    .command('doctor')
    .summary('what works here, and how to mend what does not')
    .description('Versions, processor, devices, caches and a self-test; what is wrong, and how to mend it.')
  addCommonOptions(examining)
    .addHelpText('after', example('sess doctor'))
    .action((options: CommonArguments) =>
      settle(async () => (await import('./doctor.ts')).doctor({ ...unsaid, ...options }, context)),
    )

  try {
    if (argv.length === 0) {
      context.stderr.write(program.helpInformation())
      return 2
    }
    await program.parseAsync(argv, { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const failure = error instanceof CommanderError ? usageError(error) : error
    context.stderr.write(failureText(failure, { verbose: argv.includes('--verbose') }))
    return exitStatus(failure)
  }
}

function example(command: string): string {
  return `\nExample:\n  ${command}\n`
}

/** Commander's own complaints (unknown option, missing argument) in our form. */
function usageError(error: CommanderError): SessError {
  const text = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/([^.)?])$/, '$1.')
  return new SessError('OPTION_INVALID', `${sentence} See sess --help.`, { cause: error })
}
