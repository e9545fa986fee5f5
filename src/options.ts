import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { invalidOption, SessError } from './error.ts'
import { field, isBoolean, isInteger, isList, isNumber, isText, oneOf } from './field.ts'
import { DEFAULT_MAX_PIXELS } from './io/decode.ts'
import type { ImageSource } from './io/photo.ts'
import { refuseUntaken, refuseUntakenByAll, refuseWithoutLayer } from './methods/asked.ts'
import { comparedFor } from './methods/compared.ts'
import { methodByName } from './methods/index.ts'
import { settingFields } from './methods/settings.ts'

/** A class by index (a number, or digits), by label, or `top-1`: the argmax of the whole image. */
export type Target = number | string

export interface Progress {
  /** Forward passes of the whole call done so far, or bytes of a model that is being downloaded; never falls. */
  readonly done: number
  readonly total: number
  readonly phase: 'download' | 'inference' | 'fusion'
}

const isTarget = (value: unknown) => isInteger(value, 0) || (typeof value === 'string' && value !== '')
const isDevice = (value: unknown) => typeof value === 'string' && /^(auto|cpu|cuda(:\d+)?)$/.test(value)
const signal = field<AbortSignal>('an AbortSignal', (value) => value instanceof AbortSignal)
const onProgress = field<(progress: Progress) => void>('a function', (value) => typeof value === 'function')
const maxPixels = field<number>('a whole number from 1', (value) => isInteger(value, 1))

export type Smoothing = boolean | { readonly size?: number; readonly sigma?: number }
const smoothingSchema = z.strictObject({
  size: field<number>('an odd number from 1 to 4095', (v) => isInteger(v, 1, 4095) && v % 2 === 1),
  sigma: field<number>('a number above 0', (v) => isNumber(v) && v > 0),
})

/** A class that the explained one is held against, and how much of its logit is taken away (less than 0: added). */
export interface AgainstClass {
  readonly target: number | string
  readonly weight: number
}
const isOther = (value: unknown) => isTarget(value) && value !== 'top-1'
const isAgainst = (value: unknown) =>
  z.strictObject({ target: z.custom(isOther), weight: z.number().min(-1e6).max(1e6) }).safeParse(value).success

const isStep = (value: unknown) => isInteger(value, 1) || isList(value, 2, (side) => isInteger(side, 1))
const isFusion = oneOf(['mean', 'max', 'average'])
/** Rows of a comparison, and steps of one: what a sheet still holds. */
const mostVariants = 24

const explainSchema = z.strictObject({
  target: field<Target | readonly Target[]>(
    'a class index, a label or "top-1", or a list of at least one of these',
    (v) => isTarget(v) || (Array.isArray(v) && v.length > 0 && v.every(isTarget)),
  ),
  against: field<Target | readonly AgainstClass[]>(
    'a class index, a label, or a list of at least one { target, weight }',
    (v) => isOther(v) || (Array.isArray(v) && v.length > 0 && v.every(isAgainst)),
  ),
  method: field<string>('the name of a method', isText),
  layer: field<string>('the name of a tensor or node', isText),
  scales: field<number | readonly number[]>(
    'a count of scales from 1, or a list of level lengths, strictly ascending',
    (v) => isInteger(v, 1) || (Array.isArray(v) && v.length > 0 && v.every((side) => isInteger(side, 1))),
  ),
  step: field<number | readonly [number, number]>('a whole number of pixels from 1, or two of them: [y, x]', isStep),
  preFilter: field<number>('a number from 0 to below 1', (v) => isNumber(v) && v >= 0 && v < 1),
  theta: field<number>('a number from 0', (v) => isNumber(v) && v >= 0),
  fusion: field<'mean' | 'max' | 'average'>('mean, max or average', isFusion),
  smooth: field<Smoothing>(
    'true, false or { size: an odd number from 1 to 4095, sigma: a number above 0 }',
    (v) => isBoolean(v) || smoothingSchema.safeParse(v).success,
  ),
  sess: field<boolean>('true or false', isBoolean),
  antialias: field<boolean>('true or false', isBoolean),
  batch: field<number | 'auto'>(
    'a whole number from 1 to 4096, or "auto"',
    (v) => v === 'auto' || isInteger(v, 1, 4096),
  ),
  maxWindows: field<number>('a whole number from 1', (v) => isInteger(v, 1)),
  maxPixels,
  keepMaps: field<boolean>('true or false', isBoolean),
  ...settingFields,
  /** For methods that draw at random. */
  seed: field<number>('a whole number from 0 to 9007199254740991', (v) => isInteger(v, 0)),
  signal,
  onProgress,
})

const loadSchema = z.strictObject({
  device: field<string>('auto, cpu, cuda or cuda:N', isDevice),
  precision: field<'fp32' | 'tf32' | 'fp16'>('fp32, tf32 or fp16', oneOf(['fp32', 'tf32', 'fp16'])),
  threads: field<number>('a whole number from 1 to 1024', (v) => isInteger(v, 1, 1024)),
  layer: field<string>('the name of a tensor or node', isText),
  tokens: field<readonly [number, number]>('two whole numbers from 1: rows and columns of patches', (v) =>
    isList(v, 2, (side) => isInteger(side, 1, 16_384)),
  ),
  mean: field<readonly number[]>('three numbers', (v) => isList(v, 3, isNumber)),
  std: field<readonly number[]>('three numbers above 0', (v) => isList(v, 3, (s) => isNumber(s) && s > 0)),
  labels: field<string | readonly string[]>(
    'a file of labels, or a list of them',
    (v) => isText(v) || (Array.isArray(v) && v.length > 0 && v.every((label) => typeof label === 'string')),
  ),
  activation: field<'softmax' | 'sigmoid'>('softmax or sigmoid', oneOf(['softmax', 'sigmoid'])),
  signal,
  onProgress,
})

const classifySchema = z.strictObject({
  top: field<number>('a whole number from 1', (v) => isInteger(v, 1)),
  maxPixels,
  signal,
})

const isSet = (value: unknown, item: (value: unknown) => boolean, key: (value: unknown) => string = String) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= mostVariants &&
  value.every(item) &&
  new Set(value.map(key)).size === value.length
const compareSchema = explainSchema
  .omit({ target: true, method: true, step: true, fusion: true, sess: true, keepMaps: true })
  .extend({
    target: field<Target>('one class index, label or "top-1"', isTarget),
    methods: field<readonly string[]>(`1 to ${mostVariants} names of methods, each once`, (v) => isSet(v, isText)),
    steps: field<readonly (number | readonly [number, number])[]>(
      `1 to ${mostVariants} steps, each a whole number of pixels from 1 or two of them, [y, x], each once`,
      (v) => isSet(v, isStep, (step) => String(typeof step === 'number' ? [step, step] : step)),
    ),
    fusions: field<readonly ('mean' | 'max' | 'average')[]>('one or more of mean, max and average, each once', (v) =>
      isSet(v, isFusion),
    ),
  })

const layersSchema = explainSchema
  .omit({ layer: true, scales: true, step: true, preFilter: true, theta: true, fusion: true, smooth: true, sess: true })
  .omit({ antialias: true, batch: true, maxWindows: true, keepMaps: true })
  .extend({ target: field<Target>('one class index, label or "top-1"', isTarget) })

const verifySchema = z.strictObject({
  /** Instead of the photo that the bundle names. */
  image: field<ImageSource>(
    'a path, a URL, encoded bytes or raw pixels',
    (v) => isText(v) || (typeof v === 'object' && v !== null),
  ),
  /** Instead of the model that the bundle names. */
  model: field<string | URL>('an id, a path or a URL', (v) => isText(v) || v instanceof URL),
  /** Difference from which a pixel counts as another; scores may differ by a tenth of it. */
  tolerance: field<number>('a number from 0 to 1', (v) => isNumber(v) && v >= 0 && v <= 1),
  maxWindows: field<number>('a whole number from 1', (v) => isInteger(v, 1)),
  maxPixels,
  device: loadSchema.shape.device,
  threads: loadSchema.shape.threads,
  signal,
  onProgress,
})

export type VerifyOptions = Readonly<z.input<typeof verifySchema>>
export type ExplainOptions = Readonly<z.input<typeof explainSchema>>
export type LoadOptions = Readonly<z.input<typeof loadSchema>>
export type ClassifyOptions = Readonly<z.input<typeof classifySchema>>
export type CompareOptions = Readonly<z.input<typeof compareSchema>>
export type LayersOptions = Readonly<z.input<typeof layersSchema>>

/** Defaults of the contract; `step` defaults to the window's size. */
export const explainDefaults = {
  target: 'top-1',
  method: 'grad-cam',
  scales: 12,
  preFilter: 0,
  theta: 0,
  fusion: 'mean',
  smooth: true,
  sess: true,
  antialias: true,
  batch: 'auto',
  maxWindows: 100_000,
  maxPixels: DEFAULT_MAX_PIXELS,
  keepMaps: false,
  seed: 0,
} as const

/** @throws SessError `OPTION_INVALID` with option, value and what is expected */
function check<T>(schema: z.ZodType<T>, options: unknown, fields: object): T {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') {
    const known = Object.keys(fields).join(', ')
    throw new SessError('OPTION_INVALID', `${issue.keys[0]} is no option; expected one of ${known}.`)
  }
  const name = String(issue?.path[0] ?? 'options')
  const value: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, name) : options
  throw invalidOption(name, value, issue?.path.length ? issue.message : 'an object')
}

/** Also of what the method does not take: nothing that is known without a model is left to be found with one. */
export function checkExplainOptions(given: unknown): ExplainOptions {
  const options = check(explainSchema, given, explainSchema.shape)
  refuseUntaken(methodByName(options.method ?? explainDefaults.method), options)
  return options
}

export function checkCompareOptions(given: unknown): CompareOptions {
  const options = check(compareSchema, given, compareSchema.shape)
  refuseUntakenByAll((options.methods ?? comparedFor(options)).map(methodByName), options)
  return options
}

export function checkLayersOptions(given: unknown): LayersOptions {
  const options = check(layersSchema, given, layersSchema.shape)
  const method = methodByName(options.method ?? explainDefaults.method)
  refuseWithoutLayer(method)
  refuseUntaken(method, options)
  return options
}

export const checkLoadOptions = (options: unknown): LoadOptions => check(loadSchema, options, loadSchema.shape)
export const checkClassifyOptions = (options: unknown): ClassifyOptions =>
  check(classifySchema, options, classifySchema.shape)
export const checkVerifyOptions = (options: unknown): VerifyOptions => check(verifySchema, options, verifySchema.shape)

/** The device where nothing is said: `SESS_DEVICE`, or the best there is. */
export function defaultDevice(): string {
  const given = process.env.SESS_DEVICE
  if (given === undefined || given === '') return 'auto'
  if (!isDevice(given)) throw invalidOption('SESS_DEVICE', given, 'auto, cpu, cuda or cuda:N')
  return given
}

/** Threads where nothing is said: `SESS_THREADS`, or what the process may use. */
export function defaultThreads(): number {
  const given = process.env.SESS_THREADS
  if (given === undefined || given === '') return availableParallelism()
  const threads = Number(given)
  if (!isInteger(threads, 1, 1024)) throw invalidOption('SESS_THREADS', given, 'a whole number from 1 to 1024')
  return threads
}
