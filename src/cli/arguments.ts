import { type Command, Option } from 'commander'
import { invalidOption } from '../error.ts'
import { methods } from '../methods/index.ts'
import { type ColormapName, colormaps } from '../render/colormaps.ts'

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

export interface ExplainArguments extends ModelArguments, CommonArguments {
  readonly output: readonly string[]
  readonly map: readonly string[]
  readonly target: readonly string[]
  readonly against?: string
  readonly method?: string
  /** As written: what one number means depends on the model's window. */
  readonly scales?: readonly number[] | number
  readonly step?: number | readonly [number, number]
  readonly preFilter?: number
  readonly theta?: number
  readonly fusion?: 'mean' | 'max' | 'average'
  readonly smooth: boolean
  readonly sess: boolean
  readonly antialias: boolean
  readonly batch?: number | 'auto'
  readonly maxWindows?: number
  readonly maxPixels?: number
  readonly colormap?: ColormapName
  readonly alpha?: number
  readonly plan: boolean
  readonly samples?: number
  readonly seed?: number
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
  json: false,
  quiet: false,
  verbose: false,
} as const

type Env = Readonly<Record<string, string | undefined>>
type Parser = (flag: string) => (text: string) => unknown

export function addModelOptions(command: Command): Command {
  command
    .addOption(
      new Option(
        '--model <model>',
        'registry id, path to a .onnx, folder, or hf:ORG/NAME[@REVISION][:VARIANT]',
      ).default('tiny200'),
    )
    .addOption(option('--device <device>', 'auto, cpu, cuda or cuda:N (SESS_DEVICE)', device))
    .addOption(option('--precision <precision>', 'fp32, tf32 or fp16', oneOf('fp32', 'tf32', 'fp16')))
    .addOption(option('--threads <n>', 'processor threads (SESS_THREADS)', integer(1, 1024)))
  return addStatedOptions(command)
}

export function addOverrideOptions(command: Command): Command {
  return addStatedOptions(command.addOption(layerOption()))
}

function layerOption(): Option {
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
  return command
    .addOption(
      option(
        '-o, --output <out>',
        'repeatable: .png .jpg .webp overlay, .npy map, .json numbers, or a folder (default: NAME.sess.png)',
        text,
      ).argParser(collect('-o')),
    )
    .addOption(option('--map <file.npy>', 'another -o, for the raw map', text).argParser(collect('--map')))
    .addOption(
      option('--target <class>', 'repeatable: index, label or part of a label (default: top-1)', text).argParser(
        collect('--target'),
      ),
    )
    .addOption(option('--against <class>', 'explains the target minus this class: why the one and not the other', text))
    .addOption(
      option('--method <name>', `${methods.map(({ name }) => name).join(', ')} (default: ${methods[0]?.name})`, text),
    )
    .addOption(layerOption())
    .addOption(
      option(
        '--scales <list>',
        'a count, a single scale (from the window up), or a list 224,288,352 (default: 12)',
        scales,
      ),
    )
    .addOption(option('--step <n|y,x>', "step of the windows (default: the window's size)", step))
    .addOption(
      option('--pre-filter <r>', 'share of the windows to drop, 0 to below 1 (default: 0)', real(0, 1, 'below')),
    )
    .addOption(option('--theta <t>', 'values up to this do not count (default: 0)', real(0)))
    .addOption(option('--fusion <mode>', 'mean, max or average (default: mean)', oneOf('mean', 'max', 'average')))
    .addOption(new Option('--no-smooth', 'leave out the Gaussian at the end'))
    .addOption(new Option('--no-sess', "the base method's map of the whole image"))
    .addOption(new Option('--no-antialias', 'plain bilinear pyramid, as in the published code'))
    .addOption(option('--batch <n|auto>', 'windows in one forward pass (default: auto)', batch))
    .addOption(option('--max-windows <n>', 'refuse larger plans (default: 100000)', integer(1)))
    .addOption(option('--max-pixels <n>', 'refuse larger images (default: 268000000)', integer(1)))
    .addOption(option('--colormap <name>', `${colormaps.join(', ')} (default: ${colormaps[0]})`, oneOf(...colormaps)))
    .addOption(option('--alpha <a>', 'opacity of the overlay, 0 to 1 (default: 0.6)', real(0, 1)))
    .addOption(new Option('--plan', 'print what would run, and stop'))
    .addOption(option('--samples <n>', 'noisy copies of smoothgrad, steps of integrated-gradients', integer(1, 10_000)))
    .addOption(option('--seed <n>', 'for methods that draw at random', integer(0, 2 ** 32 - 1)))
}

export function addClassifyOptions(command: Command): Command {
  return command
    .addOption(option('--top <n>', 'how many classes', integer(1)).default(5))
    .addOption(option('--max-pixels <n>', 'refuse larger images (default: 268000000)', integer(1)))
}

/**
 * What `--scales` means for a model's window, whose longer side is `window`: one number under it is a count, one
 * from it up a single scale, and a list stays a list.
 */
export function scalesFor(
  written: number | readonly number[] | undefined,
  window: number,
): number | readonly number[] | undefined {
  return typeof written === 'number' && written >= window ? [written] : written
}

function option(flags: string, description: string, parser: Parser): Option {
  const flag = flags.split(/[ ,]/, 1)[0] ?? flags
  return new Option(flags, description).argParser(parser(flag))
}

function collect(flag: string): (value: string, previous: readonly string[] | undefined) => readonly string[] {
  return (value, previous) => [...(previous ?? []), text(flag)(value) as string]
}

/** The device that `SESS_DEVICE` names, for where no option does. */
export function deviceOf(env: Env): ModelArguments['device'] {
  const value = env.SESS_DEVICE
  return value ? (device('SESS_DEVICE')(value) as ModelArguments['device']) : undefined
}

/** Plain decimal notation; `Number` alone takes "", " 1" and "0x10" as well. */
function parsed(value: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN
}

const text: Parser = (flag) => (value) => {
  if (value === '') throw invalidOption(flag, value, 'something')
  return value
}

function oneOf(...names: readonly string[]): Parser {
  return (flag) => (value) => {
    if (!names.includes(value)) throw invalidOption(flag, value, `one of ${names.join(', ')}`)
    return value
  }
}

function integer(low: number, high = Number.MAX_SAFE_INTEGER): Parser {
  return (flag) => (value) => {
    const number = parsed(value)
    if (Number.isSafeInteger(number) && number >= low && number <= high) return number
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`
    throw invalidOption(flag, value, `a whole number ${range}`)
  }
}

function real(low: number, high = Number.POSITIVE_INFINITY, end: 'with' | 'below' = 'with'): Parser {
  return (flag) => (value) => {
    const number = parsed(value)
    const fits = number >= low && (end === 'with' ? number <= high : number < high) && Number.isFinite(number)
    if (fits) return number
    const range = high === Number.POSITIVE_INFINITY ? '' : end === 'with' ? ` to ${high}` : ` to below ${high}`
    throw invalidOption(flag, value, `a number from ${low}${range}`)
  }
}

function numbers(count: number, sign: 'any' | 'positive' = 'any'): Parser {
  return (flag) => (value) => {
    const list = value.split(',').map(parsed)
    const fits = list.every((v) => Number.isFinite(v) && (sign === 'any' || v > 0))
    if (list.length === count && fits) return list
    throw invalidOption(flag, value, `${count} numbers${sign === 'any' ? '' : ' above 0'}, such as 0.5,0.5,0.5`)
  }
}

const device: Parser = (flag) => (value) => {
  if (/^(auto|cpu|cuda|cuda:\d{1,3})$/.test(value)) return value
  throw invalidOption(flag, value, 'auto, cpu, cuda or cuda:N')
}

const batch: Parser = (flag) => (value) => {
  if (value === 'auto') return value
  const number = parsed(value)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw invalidOption(flag, value, 'a whole number from 1, or auto')
}

const grid: Parser = (flag) => (value) => {
  const sides = value.split(',').map(parsed)
  if (sides.length === 2 && sides.every((side) => Number.isSafeInteger(side) && side >= 1)) return sides
  throw invalidOption(flag, value, 'rows and columns of patches, such as 14,14')
}

const step: Parser = (flag) => (value) => {
  const list = value.split(',').map(parsed)
  const fits = list.length <= 2 && list.every((v) => Number.isSafeInteger(v) && v >= 1)
  if (!fits) throw invalidOption(flag, value, 'a whole number from 1, or two as Y,X')
  return list.length === 1 ? list[0] : list
}

const scales: Parser = (flag) => (value) => {
  const list = value.split(',').map(parsed)
  const fits = list.every((v, i) => Number.isSafeInteger(v) && v >= 1 && v > (list[i - 1] ?? 0))
  if (!fits) {
    throw invalidOption(
      flag,
      value,
      'a count, a scale from the window up, or a strictly ascending list such as 224,288,352',
    )
  }
  return value.includes(',') ? list : list[0]
}
