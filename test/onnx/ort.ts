import * as ort from 'onnxruntime-node'
import type { TensorInfo } from '../../binding.d.ts'
import type { ShapeProbe } from '../../src/onnx/shapes.ts'

export interface Values {
  readonly data: Float32Array | Float64Array | BigInt64Array
  readonly dims: readonly number[]
}

function options(externalFolder: string | undefined, level: 'disabled' | 'all'): ort.InferenceSession.SessionOptions {
  const base = { graphOptimizationLevel: level, intraOpNumThreads: 1, logSeverityLevel: 4 } as const
  return externalFolder === undefined
    ? base
    : { ...base, extra: { session: { model_external_initializers_file_folder_path: externalFolder } } }
}

const DTYPES: ReadonlySet<string> = new Set(['float32', 'float64', 'uint8', 'int64', 'float16', 'int32', 'bool'])

function isKnownDtype(dtype: string): dtype is TensorInfo['dtype'] {
  return DTYPES.has(dtype)
}

/** What the addon does for the product, with onnxruntime-node's own session. */
export const probe: ShapeProbe = async (model, externalFolder) => {
  const session = await ort.InferenceSession.create(model, options(externalFolder, 'disabled'))
  const infos = session.outputMetadata.map((info): TensorInfo => {
    if (!info.isTensor) return { name: info.name, dtype: 'other', shape: [-1] }
    const dtype = isKnownDtype(info.type) ? info.type : 'other'
    return { name: info.name, dtype, shape: info.shape.map((d) => (typeof d === 'number' ? d : -1)) }
  })
  await session.release()
  return infos
}

type Feeds = Readonly<Record<string, Values>>

/** A model's bytes, or what encodes them. */
type Runnable = { readonly externalFolder?: string | undefined } & (
  | { readonly bytes: Uint8Array }
  | { readonly encode: () => Uint8Array }
)

export async function run(model: Runnable, feeds: Feeds): Promise<Feeds> {
  return await withSession(model, (evaluate) => evaluate(feeds))
}

/** Opens the model once for all that `use` evaluates. */
export async function withSession<T>(
  model: Runnable,
  use: (evaluate: (feeds: Feeds) => Promise<Feeds>) => Promise<T>,
): Promise<T> {
  const bytes = 'bytes' in model ? model.bytes : model.encode()
  const session = await ort.InferenceSession.create(bytes, options(model.externalFolder, 'all'))
  try {
    return await use(async (feeds) => {
      const tensors = Object.entries(feeds).map(([name, value]): [string, ort.Tensor] => [name, tensorOf(value)])
      const results = await session.run(Object.fromEntries(tensors))
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, values(tensor)]))
    })
  } finally {
    await session.release()
  }
}

function tensorOf({ data, dims }: Values): ort.Tensor {
  if (data instanceof Float32Array) return new ort.Tensor('float32', data, dims)
  if (data instanceof Float64Array) return new ort.Tensor('float64', data, dims)
  return new ort.Tensor('int64', data, dims)
}

function values(tensor: ort.Tensor): Values {
  const { data, dims } = tensor
  const isNumeric = data instanceof Float32Array || data instanceof Float64Array || data instanceof BigInt64Array
  if (!isNumeric) throw new Error(`unexpected ${tensor.type} output`)
  return { data, dims }
}
