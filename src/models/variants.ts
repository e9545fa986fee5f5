import { invalidOption } from '../error.ts'

/** What a name of transformers.js' option `dtype` adds to the file's name (its DEFAULT_DTYPE_SUFFIX_MAPPING). */
const suffixes: ReadonlyMap<string, string> = new Map([
  ['fp32', ''],
  ['fp16', '_fp16'],
  ['q8', '_quantized'],
  ['int8', '_int8'],
  ['uint8', '_uint8'],
  ['q4', '_q4'],
  ['q4f16', '_q4f16'],
  ['q2', '_q2'],
  ['q2f16', '_q2f16'],
  ['q1', '_q1'],
  ['q1f16', '_q1f16'],
  ['bnb4', '_bnb4'],
  // As the file itself is called
  ['quantized', '_quantized'],
])

/**
 * The file of a variant, as exporters for transformers.js name it. What is in it, only its graph says.
 * @throws SessError `OPTION_INVALID` with the variants there are; `model`: the name it is part of
 */
export function variantFile(variant: string, model: string): string {
  const suffix = suffixes.get(variant)
  if (suffix === undefined) {
    throw invalidOption('model', model, `no variant after the last colon, or one of ${[...suffixes.keys()].join(', ')}`)
  }
  return `onnx/model${suffix}.onnx`
}
