import { create, toBinary } from '@bufbuild/protobuf'
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf'
import { type Attributes, makeNode, makeValueInfo } from '../../src/onnx/messages.ts'
import { type FloatType, floatTensor, int64Tensor } from '../../src/onnx/tensors.ts'

export interface ModelSpec {
  readonly opset?: number
  /** Imported beside ONNX's own. */
  readonly domains?: readonly string[]
  readonly type?: FloatType
  readonly input?: { readonly name?: string; readonly dims: readonly (number | string)[] }
  readonly nodes: readonly NodeProto[]
  readonly tensors?: readonly TensorProto[]
  /** Graph outputs; the last node's first output unless given. */
  readonly outputs?: readonly string[]
}

export function buildModel(spec: ModelSpec): ModelProto {
  const type = spec.type ?? TensorProto_DataType.FLOAT
  const outputs = spec.outputs ?? [spec.nodes.at(-1)?.output[0] ?? '']
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(spec.opset ?? 17) }),
      ...(spec.domains ?? []).map((domain) => create(OperatorSetIdProtoSchema, { domain, version: 1n })),
    ],
    graph: create(GraphProtoSchema, {
      name: 'test',
      node: [...spec.nodes],
      initializer: [...(spec.tensors ?? [])],
      input: [makeValueInfo(spec.input?.name ?? 'x', type, spec.input?.dims ?? ['n', 3, 16, 16])],
      output: outputs.map((name) => makeValueInfo(name, type)),
    }),
  })
}

export function modelBytes(spec: ModelSpec): Uint8Array {
  return toBinary(ModelProtoSchema, buildModel(spec))
}

/** `op('Conv', 'x w', 'y', {...})`; `-` stands for an absent input. */
export function op(opType: string, inputs: string, outputs: string, attributes: Attributes = {}): NodeProto {
  const names = (list: string): readonly string[] => list.split(' ').map((name) => (name === '-' ? '' : name))
  return makeNode(opType, names(inputs), names(outputs), attributes)
}

export const ints = (...values: readonly number[]) => ({ ints: values })
export const int = (value: number) => ({ int: value })
export const float = (value: number) => ({ float: value })
export const string = (value: string) => ({ string: value })

export function shapeTensor(name: string, ...values: readonly number[]): TensorProto {
  return int64Tensor(name, values, [values.length])
}

/** Of type int8: -4, -3, .., 4, -4, .. */
export function int8Tensor(name: string, dims: readonly number[]): TensorProto {
  const int32Data = Array.from({ length: size(dims) }, (_, i) => (i % 9) - 4)
  return create(TensorProtoSchema, { name, dataType: TensorProto_DataType.INT8, dims: dims.map(BigInt), int32Data })
}

/** A small deterministic generator (Mulberry32), uniform in [-1, 1). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1
  }
}

export function size(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1)
}

export function randomTensor(name: string, dims: readonly number[], seed = 1, type?: FloatType): TensorProto {
  const next = uniform(seed + name.length * 1000 + (name.codePointAt(0) ?? 0))
  return floatTensor(name, Array.from({ length: size(dims) }, next), dims, type)
}

export function positiveTensor(name: string, dims: readonly number[], seed = 1, type?: FloatType): TensorProto {
  const next = uniform(seed)
  return floatTensor(
    name,
    Array.from({ length: size(dims) }, () => next() * 0.4 + 1),
    dims,
    type,
  )
}
