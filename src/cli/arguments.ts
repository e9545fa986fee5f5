import { type Command, Option } from 'commander'
import { methods } from '../methods/index.ts'
import type { Size } from '../native.ts'
import { objectsDefaults } from '../objects.ts'
import { type ColormapName, colormaps } from '../render/colormaps.ts'
import type { ColourOptions } from '../render/overlay.ts'
import { addMethodOptions, type MethodArguments } from './method-arguments.ts'
import {
  batch,
  collect,
  device,
  grid,
  integer,
  list,
  numbers,
  oneOf,
  option,
  range,
  real,
  scales,
  step,
  text,
} from './parsers.ts'

/** Options that name and load a model. */
export interface ModelArguments extends OverrideArguments {
  readonly model: string
  readonly device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}` | undefined
  readonly precision?: 'fp32' | 'tf32' | 'fp16'
  readonly threads?: number
}

/** Options that win over what manifest and graph say of a model. */
export interface OverrideArguments {
  readonly layer?: string
  readonly tokens?: readonly [number, number]
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
  readonly labels?: string
  readonly activation?: 'softmax' | 'sigmoid'
}

/** Options of every command. */
export interface CommonArguments {
  readonly quiet: boolean
  readonly verbose: boolean
  readonly json: boolean
}

/** Options of commands that run windows and draw maps. */
export interface WindowsArguments extends ModelArguments, MethodArguments, CommonArguments {
  readonly output: readonly string[]
  readonly against?: string
  /** As written: what one number means depends on the model's window. */
  readonly scales?: readonly number[] | number
  readonly preFilter?: number
  readonly theta?: number
  readonly smooth: boolean
  readonly antialias: boolean
  readonly batch?: number | 'auto'
  readonly maxWindows?: number
  readonly maxPixels?: number
  readonly colormap?: ColormapName
  readonly alpha?: number
  readonly alphaByValue: boolean
  readonly range?: readonly [number, number] | 'auto'
}

export const fusionModes = ['mean', 'max', 'average'] as const
export type FusionMode = (typeof fusionModes)[number]

export interface ExplainArguments extends WindowsArguments {
  readonly map: readonly string[]
  readonly target: readonly string[]
  readonly method?: string
  readonly step?: number | readonly [number, number]
  readonly fusion?: FusionMode
  readonly sess: boolean
  readonly plan: boolean
  /** Share of the maximum. */
  readonly objects?: number
  readonly contours?: readonly number[]
  readonly beside: boolean
  readonly caption: boolean
}

export interface ClassifyArguments extends ModelArguments, CommonArguments {
  readonly top: number
  readonly maxPixels?: number
}

/** What commander leaves out where nothing was said. */
export const unsaid = {
  output: [],
  map: [],
  target: [],
  plan: false,
  alphaByValue: false,
  beside: false,
  json: false,
  quiet: false,
  verbose: false,
} as const

type Env = Readonly<Record<string, string | undefined>>

const modelForms = 'registry id, path to a .onnx, folder, or hf:ORG/NAME[@REVISION][:VARIANT]'

export function addModelOptions(command: Command): Command {
  return addLoadOptions(command.addOption(new Option('--model <model>', modelForms).default('tiny200')))
}

/** For commands that show several models beside each other. */
export function addModelsOptions(command: Command): Command {
  const models = new Option('--model <model>', `repeatable: ${modelForms} (default: tiny200)`)
  return addLoadOptions(command.addOption(models.argParser(collect('--model'))))
}

function addLoadOptions(command: Command): Command {
  command
    .addOption(option('--device <device>', 'auto, cpu, cuda or cuda:N (SESS_DEVICE)', device))
    .addOption(option('--precision <precision>', 'fp32, tf32 or fp16', oneOf('fp32', 'tf32', 'fp16')))
    .addOption(option('--threads <n>', 'processor threads (SESS_THREADS)', integer(1, 1024)))
  return addStatedOptions(command)
}

export function addOverrideOptions(command: Command): Command {
  return addStatedOptions(command.addOption(layerOption()))
}

export function layerOption(): Option {
  return option('--layer <name>', 'target layer (default: the last with spatial extent)', text)
}

/** What a manifest states of pixels and classes. */
function addStatedOptions(command: Command): Command {
  return command
    .addOption(option('--tokens <rows,columns>', 'patch grid of a transformer, where its tokens do not tell', grid))
    .addOption(option('--mean <a,b,c>', "mean of the model's channels", numbers(3)))
    .addOption(option('--std <a,b,c>', "standard deviation of the model's channels", numbers(3, 'positive')))
    .addOption(option('--labels <file>', 'labels in class order: a JSON array, or one a line', text))
    .addOption(option('--activation <name>', 'softmax or sigmoid', oneOf('softmax', 'sigmoid')))
}

export function addCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('--json', 'machine-readable results on stdout, one JSON object a line'))
    .addOption(new Option('--quiet', 'nothing on stderr but errors'))
    .addOption(new Option('--verbose', 'the stack with every error'))
}

export function addExplainOptions(command: Command): Command {
  command
    .addOption(
      option(
        '-o, --output <out>',
        'repeatable: .png .jpg .webp overlay, .npy map, .json numbers, .html report, .sess bundle, or a folder (default: NAME.sess.png)',
        text,
      ).argParser(collect('-o')),
    )
    .addOption(option('--map <file.npy>', 'another -o, for the raw map', text).argParser(collect('--map')))
    .addOption(
      option('--target <class>', 'repeatable: index, label or part of a label (default: top-1)', text).argParser(
        collect('--target'),
      ),
    )
    .addOption(
      option('--method <name>', `${methods.map(({ name }) => name).join(', ')} (default: ${methods[0]?.name})`, text),
    )
    .addOption(option('--step <n|y,x>', "step of the windows (default: the window's size)", step))
    .addOption(option('--fusion <mode>', 'mean, max or average (default: mean)', oneOf(...fusionModes)))
    .addOption(new Option('--no-sess', "the base method's map of the whole image"))
    .addOption(
      option(
        '--objects [t]',
        'draw and report each part of the map from this share of its maximum up (default: 0.5)',
        real(0, 1, 'above'),
      ).preset(String(objectsDefaults.threshold)),
    )
    .addOption(
      option(
        '--contours <q,...>',
        "lines at these quantiles of the map's values, such as 0.5,0.9",
        list(real(0, 1, 'below')),
      ),
    )
    .addOption(new Option('--beside', 'the photo itself to the left of the overlay'))
    .addOption(new Option('--no-caption', "the bare overlay, of the photo's size: no colour bar, no text"))
    .addOption(new Option('--plan', 'print what would run, and stop'))
  return addWindowsOptions(command)
}

export function addWindowsOptions(command: Command): Command {
  command
    .addOption(option('--against <class>', 'explains the target minus this class: why the one and not the other', text))
    .addOption(layerOption())
    .addOption(
      option(
        '--scales <list>',
        'a count, a single scale (from the window up), or a list 224,288,352 (default: 12)',
        scales,
      ),
    )
    .addOption(
      option('--pre-filter <r>', 'share of the windows to drop, 0 to below 1 (default: 0)', real(0, 1, 'below')),
    )
    .addOption(option('--theta <t>', 'values up to this do not count (default: 0)', real(0)))
    .addOption(new Option('--no-smooth', 'leave out the Gaussian at the end'))
    .addOption(new Option('--no-antialias', 'plain bilinear pyramid, as in the published code'))
    .addOption(option('--batch <n|auto>', 'windows in one forward pass (default: auto)', batch))
    .addOption(option('--max-windows <n>', 'refuse larger plans (default: 100000)', integer(1)))
    .addOption(option('--max-pixels <n>', 'refuse larger images (default: 268000000)', integer(1)))
    .addOption(option('--colormap <name>', `${colormaps.join(', ')} (default: ${colormaps[0]})`, oneOf(...colormaps)))
    .addOption(option('--alpha <a>', 'opacity of the overlay, 0 to 1 (default: 0.6)', real(0, 1)))
    .addOption(new Option('--alpha-by-value', 'opacity grows with the value, from 0 to --alpha'))
    .addOption(
      option(
        '--range <auto|low,high>',
        "values at the ends of the colours (default: auto, 0 to the map's maximum)",
        range,
      ),
    )
  return addMethodOptions(command)
}

export function addClassifyOptions(command: Command): Command {
  return command
    .addOption(option('--top <n>', 'how many classes', integer(1)).default(5))
    .addOption(option('--max-pixels <n>', 'refuse larger images (default: 268000000)', integer(1)))
}

/**
 * What `--scales` means for a model's window: one number under its longer side is a count, one from it up a single
 * scale, and a list stays a list. As written where no window is known yet.
 */
export function scalesFor(
  written: number | readonly number[] | undefined,
  window: Size | undefined,
): number | readonly number[] | undefined {
  const isScale =
    typeof written === 'number' && window !== undefined && written >= Math.max(window.height, window.width)
  return isScale ? [written] : written
}

/** The device that `SESS_DEVICE` names, for where no option does. */
export function deviceOf(env: Env): ModelArguments['device'] {
  const value = env.SESS_DEVICE
  return value ? (device('SESS_DEVICE')(value) as ModelArguments['device']) : undefined
}

/** How maps are to be coloured. */
export function colourOptions({
  colormap,
  alpha,
  alphaByValue,
  range,
}: Pick<WindowsArguments, 'colormap' | 'alpha' | 'alphaByValue' | 'range'>): ColourOptions {
  return { colormap, alpha, opacity: alphaByValue ? 'by-value' : 'constant', range }
}
