import canonicalize from 'canonicalize'
import { z } from 'zod'
import { SessError } from '../error.ts'
import { faultsOf, pixelFactor, pixelNumber } from '../models/manifest.ts'
import { checkExplainOptions, type ExplainOptions } from '../options.ts'

// What `bundle.json` holds. Keys are as in the library; what is not known is left out.

export const bundleFile = 'bundle.json'
export const mapFile = 'map.npy'
export const windowsFile = 'windows.npy'

/** 100,000 windows that are not finite, 10,000 levels and as many files of weights take 3 MB. */
export const MAX_BUNDLE_BYTES = 2 ** 22
const mostEntries = 10_000
/** No advice to a reader is longer, whatever a bundle repeats. */
const longestFault = 1000

const text = z.string().refine((value) => value.isWellFormed(), { error: 'must be whole Unicode' })
const name = text.min(1).max(4096)
const positive = z.number().positive()
const count = z.int().min(0)
const side = z.int().min(1).max(1e9)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits' })
const size = z.strictObject({ height: side, width: side })
/** From the bundle's folder to a photo or model, which lie outside; never absolute. */
const path = name.refine((value) => !/^[/\\]|^[A-Za-z]:|\0/.test(value), { error: 'must be a relative path' })
const file = z.strictObject({ name, bytes: count, sha256 })
const triple = z.tuple([pixelNumber, pixelNumber, pixelNumber])
const layout = z.enum(['NCHW', 'NHWC'])
const channels = z.enum(['RGB', 'BGR'])
const activation = z.enum(['softmax', 'sigmoid'])

/** One check for all of a long list: a fault of each entry would take a thousand times its memory. */
const counts = z.custom<number[]>(
  (list) => Array.isArray(list) && list.every((v) => Number.isSafeInteger(v) && v >= 0),
  {
    error: 'must be a list of window indices',
  },
)

/** Texts by name, few enough to look at each. */
function fewTexts<T extends z.ZodType<string>>(longestName: number, value: T) {
  const few = z.record(z.string(), z.unknown()).refine((fields) => Object.keys(fields).length <= 1000, {
    error: 'must have at most 1000 fields',
  })
  return few.pipe(z.record(z.string().max(longestName), value))
}

/** What the manifest itself states, labels by their hash. */
const statedSchema = z.strictObject({
  input: z
    .strictObject({
      name: name.optional(),
      layout: layout.optional(),
      channels: channels.optional(),
      height: side.optional(),
      width: side.optional(),
    })
    .optional(),
  preprocess: z
    .strictObject({ mean: triple.optional(), std: triple.optional(), scale: pixelFactor.optional() })
    .optional(),
  logits: name.optional(),
  layer: name.optional(),
  activation: activation.optional(),
  labels: sha256.optional(),
})

const contentSchema = z.strictObject({
  schema: z.literal(1),
  photo: z.strictObject({
    name: name.optional(),
    path: path.optional(),
    bytes: count.optional(),
    sha256: sha256.optional(),
    height: side,
    width: side,
    /** Of the 8-bit sRGB samples, upright, alpha on white: height x width x 3. */
    pixels: sha256,
  }),
  model: z.strictObject({
    id: name,
    path: path.optional(),
    file,
    external: z.array(file).max(mostEntries),
    stated: statedSchema.optional(),
    input: z.strictObject({ name, layout, channels, height: side, width: side }),
    preprocess: z.strictObject({
      mean: z.tuple([z.number(), z.number(), z.number()]),
      std: z.tuple([positive, positive, positive]),
      scale: positive,
    }),
    logits: name.optional(),
    classes: side,
    activation,
    tokens: z.tuple([side, side]).optional(),
    labels: sha256.optional(),
  }),
  target: z.strictObject({
    index: count,
    label: text.optional(),
    logit: z.number().nullable(),
    probability: z.number().nullable(),
  }),
  options: z
    .record(z.string(), z.unknown())
    .refine(({ scales }) => !Array.isArray(scales) || scales.length <= mostEntries, {
      path: ['scales'],
      error: `must be at most ${mostEntries}`,
    }),
  device: z.strictObject({
    type: z.enum(['cpu', 'cuda']),
    threads: count.optional(),
    simd: name.optional(),
    precision: z.enum(['fp32', 'tf32', 'fp16']),
  }),
  plan: z.strictObject({
    image: size,
    window: size,
    sess: z.boolean(),
    antialias: z.boolean(),
    scales: z.array(side).max(mostEntries),
    step: z.tuple([side, side]),
    levels: z.array(size).max(mostEntries),
    windows: side,
    baseWindow: count.nullable(),
    forwards: count,
    batch: side,
  }),
  nonfinite: counts,
  map: z.strictObject({ file: z.literal(mapFile), height: side, width: side, maximum: z.number(), sha256 }),
  windows: z.strictObject({ file: z.literal(windowsFile), count: side, sha256 }),
  versions: fewTexts(100, z.string().max(100)),
})

const bundleSchema = contentSchema
  .extend({ seals: fewTexts(200, sha256) })
  .superRefine(({ photo, map, plan, windows, nonfinite }, { addIssue }) => {
    const differ = (field: string, value: number, than: string, other: number) => {
      if (value !== other) addIssue({ code: 'custom', path: [field], message: `is ${value} where ${than} is ${other}` })
    }
    for (const side of ['height', 'width'] as const) {
      differ(`map.${side}`, map[side], `photo.${side}`, photo[side])
      differ(`plan.image.${side}`, plan.image[side], `photo.${side}`, photo[side])
    }
    differ('windows.count', windows.count, 'plan.windows', plan.windows)
    if (nonfinite.some((index, i) => index >= plan.windows || index <= (nonfinite[i - 1] ?? -1))) {
      addIssue({
        code: 'custom',
        path: ['nonfinite'],
        message: `must be indices of ${plan.windows} windows, ascending`,
      })
    }
  })

export type BundleContent = z.infer<typeof contentSchema>
export type StatedFacts = z.infer<typeof statedSchema>

/** A bundle's description; `options` are such as `explain` takes. */
export interface Bundle extends Omit<z.infer<typeof bundleSchema>, 'options'> {
  readonly options: ExplainOptions & { readonly method: string; readonly target: number }
}

/** @throws SessError `BUNDLE_UNREADABLE`, each field named that does not fit */
export function parseBundle(json: string, bundle: string): Bundle {
  let data: unknown
  try {
    data = JSON.parse(json.replace(/^\uFEFF/, '')) // some editors put a mark before it
  } catch (cause) {
    throw misread(bundle, `${bundleFile} is not JSON (${cause instanceof Error ? cause.message : cause})`, cause)
  }
  const result = bundleSchema.safeParse(data)
  if (!result.success) throw misread(bundle, `${bundleFile}: ${faultsOf(result.error)}`, result.error)
  const options = explainOptions(result.data.options, bundle)
  try {
    canonicalize(result.data)
  } catch (cause) {
    throw misread(
      bundle,
      `${bundleFile} has no canonical form (${cause instanceof Error ? cause.message : cause})`,
      cause,
    )
  }
  return { ...result.data, options }
}

function explainOptions(options: Readonly<Record<string, unknown>>, bundle: string): Bundle['options'] {
  const { method, target } = options
  const fault = (what: string, cause?: unknown) => misread(bundle, `${bundleFile}: options: ${what}`, cause)
  if (typeof method !== 'string') throw fault('field "method" names no method')
  if (typeof target !== 'number') throw fault('field "target" is no class index')
  try {
    return { ...checkExplainOptions(options), method, target }
  } catch (cause) {
    throw fault(cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause), cause)
  }
}

/** A description with faults: it was edited, or is that of another version. */
function misread(bundle: string, what: string, cause: unknown): SessError {
  const advice = `Undo what was changed in ${bundleFile}, or write the bundle again with sess explain -o NAME.sess`
  return unreadable(bundle, what, cause, advice)
}

export function unreadable(
  bundle: string,
  what: string,
  cause?: unknown,
  advice = 'Take a folder that sess explain -o NAME.sess wrote',
): SessError {
  const fault = what.length > longestFault ? `${what.slice(0, longestFault)}...` : what
  return new SessError('BUNDLE_UNREADABLE', `${bundle}: ${fault}. ${advice}.`, { cause })
}
