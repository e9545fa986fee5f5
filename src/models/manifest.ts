import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'

/** Model files at most 2 GiB: what one protobuf message can hold. */
export const MAX_MODEL_BYTES = 2 ** 31

/** Inline labels of a large model fit; anything larger is not a manifest. */
export const MAX_MANIFEST_BYTES = 2 ** 24

const LONGEST = 4096 // of names that end up in messages and reports
const text = z.string().min(1).max(LONGEST)
/** Mean, std and scale stay where pixels stay finite in float32, whatever the other two are. */
export const pixelNumber = z.number().min(-1e9).max(1e9)
export const pixelFactor = z.number().min(1e-9).max(1e9)
const triple = z.tuple([pixelNumber, pixelNumber, pixelNumber])
const side = z.int().min(1).max(16384)
/** A file in the manifest's folder or below. Lexical: a cache may hold links to a store of blobs. */
const localFile = text
  .refine((name) => !/^[/\\]|^[A-Za-z]:|\0/.test(name) && !/(^|[/\\])\.\.([/\\]|$)/.test(name), {
    error: 'must be a relative name that does not leave the folder of the manifest',
  })
  .refine((name) => !/^[a-z][a-z0-9+.-]*:/i.test(name), { error: 'must be a file name, not an address' })

const manifestSchema = z
  .strictObject({
    schema: z.literal(1),
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, { error: 'must be letters, digits, ".", "_", "@" and "-"' }),
    title: text.optional(),
    file: localFile.optional(),
    url: z
      .url({ protocol: /^https?$/ })
      .max(LONGEST)
      .optional(),
    bytes: z.int().min(1).max(MAX_MODEL_BYTES).optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, { error: 'must be 64 hexadecimal digits' })
      .optional(),
    input: z
      .strictObject({
        name: text.optional(),
        layout: z.enum(['NCHW', 'NHWC']).optional(),
        channels: z.enum(['RGB', 'BGR']).optional(),
        height: side.optional(),
        width: side.optional(),
      })
      .optional(),
    preprocess: z
      .strictObject({
        mean: triple.optional(),
        std: z.tuple([pixelFactor, pixelFactor, pixelFactor]).optional(),
        scale: pixelFactor.optional(),
      })
      .optional(),
    logits: text.optional(),
    layer: text.optional(),
    activation: z.enum(['softmax', 'sigmoid']).optional(),
    labels: z
      .union([z.array(z.string().max(LONGEST)).min(1).max(1_000_000), localFile], {
        error: 'must be an array of labels, or the name of a file with them',
      })
      .optional(),
    licence: text.optional(),
    source: text.optional(),
  })
  .refine((manifest) => manifest.file !== undefined || manifest.url !== undefined, {
    path: ['file'],
    error: 'is missing, and so is "url"',
  })

/** What a model's graph cannot tell: the form of `NAME.json` beside `NAME.onnx` and of the registry's entries. */
export type Manifest = z.infer<typeof manifestSchema>

/** Throws `MODEL_UNREADABLE` that names each field that does not fit. `name`: the file, for the message. */
export function parseManifest(json: string, name: string): Manifest {
  return parseJson(manifestSchema, json, `manifest ${name}`)
}

/** The manifest in a file. @throws SessError `MODEL_UNREADABLE`, `ABORTED` */
export async function readManifest(path: string, signal: AbortSignal | undefined): Promise<Manifest> {
  try {
    const { size } = await stat(path)
    if (size > MAX_MANIFEST_BYTES) throw new Error(`${size} bytes are too many`)
    return parseManifest(await readFile(path, { encoding: 'utf8', signal }), path)
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof SessError) throw cause
    const why = cause instanceof Error ? cause.message : cause
    throw new SessError('MODEL_UNREADABLE', `The manifest ${path} cannot be read (${why}).`, { cause })
  }
}

/** `parseManifest` for any form. `what`: kind and name of the file. */
export function parseJson<T>(schema: z.ZodType<T>, json: string, what: string): T {
  let data: unknown
  try {
    data = JSON.parse(json.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw refusal(what, `is not JSON (${cause instanceof Error ? cause.message : cause})`, cause)
  }
  const result = schema.safeParse(data)
  if (result.success) return result.data
  throw refusal(what, faultsOf(result.error), result.error)
}

/** The first fields that do not fit a form, and why. */
export function faultsOf(error: z.ZodError): string {
  const faults = error.issues.map((issue) => describe(issue))
  return [...new Set(faults)].slice(0, 5).join('; ')
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `field "${[...issue.path, key].join('.')}" is unknown`).join('; ')
  }
  const field = issue.path.length === 0 ? 'the whole' : `field "${issue.path.join('.')}"`
  if (issue.code === 'invalid_union') {
    const [first] = issue.errors.flat().filter((fault) => fault.code === 'custom')
    return `${field} ${first?.message ?? issue.message}`
  }
  return `${field} ${issue.message.replace(/^Invalid \w+: /, '').replace(/^Too \w+: /, '')}`
}

function refusal(what: string, why: string, cause: unknown): SessError {
  return new SessError('MODEL_UNREADABLE', `The ${what}: ${why}. Mend it, or move it away to do without.`, { cause })
}
