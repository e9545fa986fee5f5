import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'

/** A shallow copy of `message` with `changes`; what is not changed is shared, never encoded or cloned. */
export function revise<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  changes: Partial<MessageShape<D>>,
): MessageShape<D> {
  return Object.assign(create(schema), message, changes)
}

type AttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: TensorProto }

export type Attributes = Readonly<Record<string, AttributeValue>>

export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
  name: string = outputs[0] ?? '',
): NodeProto {
  const attribute = Object.entries(attributes).map(([key, value]) => makeAttribute(key, value))
  return create(NodeProtoSchema, { opType, name, input: [...inputs], output: [...outputs], attribute })
}

function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const Type = AttributeProto_AttributeType
  if ('int' in value) return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value.int) })
  if ('float' in value) return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float })
  if ('ints' in value) return create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.ints.map(BigInt) })
  if ('floats' in value) return create(AttributeProtoSchema, { name, type: Type.FLOATS, floats: [...value.floats] })
  if ('tensor' in value) return create(AttributeProtoSchema, { name, type: Type.TENSOR, t: value.tensor })
  return create(AttributeProtoSchema, { name, type: Type.STRING, s: new TextEncoder().encode(value.string) })
}

export function intAttribute(node: NodeProto, name: string): number | undefined
export function intAttribute(node: NodeProto, name: string, fallback: number): number
export function intAttribute(node: NodeProto, name: string, fallback?: number): number | undefined {
  const attribute = find(node, name)
  return attribute === undefined ? fallback : Number(attribute.i)
}

export function floatAttribute(node: NodeProto, name: string): number | undefined
export function floatAttribute(node: NodeProto, name: string, fallback: number): number
export function floatAttribute(node: NodeProto, name: string, fallback?: number): number | undefined {
  const attribute = find(node, name)
  return attribute === undefined ? fallback : attribute.f
}

export function floatsAttribute(node: NodeProto, name: string): readonly number[] | undefined {
  return find(node, name)?.floats
}

export function intsAttribute(node: NodeProto, name: string): readonly number[] | undefined {
  return find(node, name)?.ints.map(Number)
}

export function stringAttribute(node: NodeProto, name: string, fallback: string): string {
  const attribute = find(node, name)
  return attribute === undefined ? fallback : new TextDecoder().decode(attribute.s)
}

export function tensorAttribute(node: NodeProto, name: string): TensorProto | undefined {
  return find(node, name)?.t
}

function find(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name)
}

/** A graph input or output. `dims`: a number is fixed, a name is open, a missing list leaves the shape to inference. */
export function makeValueInfo(name: string, elemType?: number, dims?: readonly (number | string)[]): ValueInfoProto {
  if (elemType === undefined) return create(ValueInfoProtoSchema, { name })
  const dim = dims?.map((d) =>
    typeof d === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(d) } }
      : { value: { case: 'dimParam' as const, value: d } },
  )
  const shape = dim === undefined ? {} : { shape: { dim } }
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType, ...shape } } },
  })
}

export interface DeclaredTensor {
  readonly name: string
  readonly elemType: number
  /** -1 where open; undefined where no shape is declared. */
  readonly dims: readonly number[] | undefined
}

export function declaredTensor(info: ValueInfoProto): DeclaredTensor | undefined {
  const type = info.type?.value
  if (type?.case !== 'tensorType') return undefined
  const dims = type.value.shape?.dim.map((d) => (d.value.case === 'dimValue' ? Number(d.value.value) : -1))
  return { name: info.name, elemType: type.value.elemType, dims }
}

/**
 * The model with another graph, as a file. From IR 4 on an initializer need not be an input too, and only then is it a
 * constant that folding may use.
 */
export function modelBytes(model: ModelProto, graph: GraphProto): Uint8Array {
  const irVersion = model.irVersion < 4n ? 4n : model.irVersion
  return toBinary(ModelProtoSchema, revise(ModelProtoSchema, model, { irVersion, graph }))
}
