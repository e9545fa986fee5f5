import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'
import { isFile } from '../io/is-file.ts'
import { MAX_MANIFEST_BYTES, type Manifest, parseJson, pixelFactor, pixelNumber } from './manifest.ts'

/** The files of a transformers.js model, in its folder. */
export const configFile = 'config.json'
export const preprocessorFile = 'preprocessor_config.json'
export const modelFile = 'onnx/model.onnx'

const MOST_LABELS = 100_000
const side = z.int().min(1).max(16384)
const perChannel = z.union([pixelNumber, z.array(pixelNumber).length(3)], {
  error: 'must be a number from -1e9 to 1e9, or three',
})
const perChannelPositive = z.union([pixelFactor, z.array(pixelFactor).length(3)], {
  error: 'must be a number from 1e-9 to 1e9, or three',
})
const size = z
  .union([side, z.object({ height: side, width: side }), z.object({ shortest_edge: side }), z.tuple([side, side])], {
    error: 'must be a length in pixels, or { height, width }, or { shortest_edge }',
  })
  .nullish()
const yesOrNo = z.boolean().nullish()

/** Counted first: looking at a million entries one by one takes seconds. */
const id2label = z
  .unknown()
  .refine((entries) => Object.keys(Object(entries)).length <= MOST_LABELS, {
    error: `must have at most ${MOST_LABELS} entries`,
  })
  .pipe(z.record(z.string().regex(/^\d{1,7}$/, { error: 'must have class indices as keys' }), z.string().max(4096)))

/** What of `config.json` concerns us; the rest is the business of others. */
const configSchema = z.object({
  id2label: id2label.nullish(),
  problem_type: z.string().max(100).nullish(),
})

const preprocessorSchema = z.object({
  do_rescale: yesOrNo,
  rescale_factor: pixelFactor.nullish(),
  do_normalize: yesOrNo,
  image_mean: perChannel.nullish(),
  image_std: perChannelPositive.nullish(),
  do_center_crop: yesOrNo,
  do_flip_channel_order: yesOrNo,
  size,
  crop_size: size,
  // Whatever they say is not applied, and only told.
  crop_pct: z.unknown().optional(),
  resample: z.unknown().optional(),
})

/** Steps that are told of and not taken: the base view is the whole photo, resized to the window. */
export type NotApplied = 'crop' | 'resample'

/** What the configuration of a transformers.js folder says, in the form of a manifest. */
interface TransformersFacts {
  readonly manifest: Manifest
  /** The file that tells how pixels become input, where it is there. */
  readonly preprocessor: string | undefined
  /** What that file asks for and the base view does without. */
  readonly notApplied: readonly NotApplied[]
  readonly labels: readonly string[] | undefined
}

/** Whether a folder is told about in the way of transformers.js. */
export async function isTransformersFolder(folder: string): Promise<boolean> {
  const [config, preprocessor, model] = await Promise.all(
    [configFile, preprocessorFile, modelFile].map((name) => isFile(join(folder, name))),
  )
  return preprocessor === true || (config === true && model === true)
}

/** @throws SessError `MODEL_UNREADABLE` by file and field */
export async function readTransformers(
  folder: string,
  id: string,
  file: string,
  signal: AbortSignal | undefined,
): Promise<TransformersFacts> {
  const config = await readConfig(configSchema, join(folder, configFile), signal)
  const preprocessor = await readConfig(preprocessorSchema, join(folder, preprocessorFile), signal)
  const manifest: Manifest = {
    schema: 1,
    id,
    file,
    ...(preprocessor && statedInput(preprocessor, join(folder, preprocessorFile))),
    ...(config?.problem_type === 'multi_label_classification' && { activation: 'sigmoid' as const }),
  }
  return {
    manifest,
    preprocessor: preprocessor && join(folder, preprocessorFile),
    notApplied: preprocessor === undefined ? [] : notApplied(preprocessor),
    labels: config?.id2label ? labelsOf(config.id2label, join(folder, configFile)) : undefined,
  }
}

async function readConfig<T>(
  schema: z.ZodType<T>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  if (!(await isFile(path))) return undefined
  try {
    const { size: bytes } = await stat(path)
    if (bytes > MAX_MANIFEST_BYTES) throw new Error(`${bytes} bytes are too many`)
    return parseJson(schema, await readFile(path, { encoding: 'utf8', signal }), `configuration ${path}`)
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof SessError) throw cause
    const why = cause instanceof Error ? cause.message : cause
    throw new SessError('MODEL_UNREADABLE', `The configuration ${path} cannot be read (${why}).`, { cause })
  }
}

/**
 * Rescale and normalisation as they stand. Crop and resample do not count: the base view is the whole photo,
 * resized to the window.
 */
function statedInput(stated: z.infer<typeof preprocessorSchema>, path: string): Pick<Manifest, 'input' | 'preprocess'> {
  const scale = stated.do_rescale === false ? 1 : (stated.rescale_factor ?? 1 / 255)
  const normalises = stated.do_normalize ?? (stated.image_mean != null && stated.image_std != null)
  if (normalises && (stated.image_mean == null || stated.image_std == null)) {
    const field = stated.image_mean == null ? 'image_mean' : 'image_std'
    throw new SessError(
      'MODEL_UNREADABLE',
      `The configuration ${path}: field "${field}" is missing, and do_normalize asks for it.`,
    )
  }
  const flipped = stated.do_flip_channel_order === true
  // Flipped last, so mean and std are listed red first; a manifest lists them in the order of the channels.
  const triple = (value: number | readonly number[]): [number, number, number] => {
    const [r = 0, g = 0, b = 0] = typeof value === 'number' ? [value, value, value] : value
    return flipped ? [b, g, r] : [r, g, b]
  }
  const mean = triple(normalises ? (stated.image_mean ?? 0) : 0)
  const std = triple(normalises ? (stated.image_std ?? 1) : 1)
  const window = windowOf(stated.do_center_crop === false ? stated.size : (stated.crop_size ?? stated.size))
  return { input: { channels: flipped ? 'BGR' : 'RGB', ...window }, preprocess: { mean, std, scale } }
}

function notApplied(stated: z.infer<typeof preprocessorSchema>): readonly NotApplied[] {
  const crops = stated.do_center_crop ?? (stated.crop_size != null || stated.crop_pct != null)
  return [...(crops ? (['crop'] as const) : []), ...(stated.resample == null ? [] : (['resample'] as const))]
}

function windowOf(stated: z.infer<typeof size>): { height?: number; width?: number } {
  if (stated == null) return {}
  if (typeof stated === 'number') return { height: stated, width: stated }
  if (Array.isArray(stated)) return { height: stated[0], width: stated[1] }
  if ('height' in stated) return { height: stated.height, width: stated.width }
  return { height: stated.shortest_edge, width: stated.shortest_edge }
}

function labelsOf(id2label: Readonly<Record<string, string>>, path: string): readonly string[] {
  const count = Object.keys(id2label).length
  const labels = Array.from({ length: count }, (_, index) => id2label[`${index}`])
  const gap = labels.indexOf(undefined)
  if (count === 0 || gap >= 0) {
    const message = `The configuration ${path}: field "id2label" has ${count} labels, and none for class ${Math.max(gap, 0)}.`
    throw new SessError('MODEL_UNREADABLE', message)
  }
  return labels.filter((label) => label !== undefined)
}
