import { create } from '@bufbuild/protobuf'
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { floatTensor, int64Tensor, tensorDims, tensorValues } from './tensors.ts'

/** A tensor small enough for plain arrays; booleans are 0 and 1. Row-major. */
export interface SmallTensor {
  readonly type: TensorProto_DataType
  readonly dims: readonly number[]
  readonly values: readonly number[]
}

type Place = readonly number[]

/** Over this the numbers of a tensor are weights, which nothing here reads. */
const MAX_VALUES = 2 ** 14

export function fromProto(tensor: TensorProto): SmallTensor | undefined {
  const dims = tensorDims(tensor)
  if (size(dims) > MAX_VALUES) return undefined
  const values = tensorValues(tensor)
  return values === undefined ? undefined : { type: tensor.dataType, dims, values }
}

export function toProto(name: string, { type, dims, values }: SmallTensor): TensorProto {
  switch (type) {
    case TensorProto_DataType.FLOAT:
    case TensorProto_DataType.DOUBLE:
      return floatTensor(name, values, dims, type)
    case TensorProto_DataType.INT64:
      return int64Tensor(name, values, dims)
    default:
      return create(TensorProtoSchema, { name, dataType: type, dims: dims.map(BigInt), int32Data: [...values] })
  }
}

/** As the type stores it: floats rounded to it, booleans 0 or 1. Undefined for what no integer type holds. */
export function stored(type: TensorProto_DataType, dims: Place, values: readonly number[]): SmallTensor | undefined {
  switch (type) {
    case TensorProto_DataType.FLOAT:
      return { type, dims, values: values.map(Math.fround) }
    case TensorProto_DataType.DOUBLE:
      return { type, dims, values }
    case TensorProto_DataType.BOOL:
      return { type, dims, values: values.map((value) => (value === 0 ? 0 : 1)) }
    case TensorProto_DataType.INT64:
    case TensorProto_DataType.INT32:
      return values.every((value) => Number.isSafeInteger(value) || Math.abs(value) >= 2 ** 63)
        ? { type, dims, values: values.map((value) => value + 0) } // no -0
        : undefined
    default:
      return undefined
  }
}

export function list(values: readonly number[], type = TensorProto_DataType.INT64): SmallTensor {
  return { type, dims: [values.length], values }
}

export function size(dims: Place): number {
  return dims.reduce((a, b) => a * b, 1)
}

/** Of shape `dims`, each number taken from where `from` says; undefined where that would be too large. */
export function pick(tensor: SmallTensor, dims: Place, from: (place: Place) => Place): SmallTensor | undefined {
  if (size(dims) > MAX_VALUES) return undefined
  const values = places(dims).map((place) => tensor.values[offset(tensor.dims, from(place))] ?? Number.NaN)
  return { type: tensor.type, dims, values }
}

/** `compute` on the numbers that stand at one place once all are broadcast; the result has the type `type`. */
export function combine(
  tensors: readonly SmallTensor[],
  type: TensorProto_DataType,
  compute: (...values: readonly number[]) => number,
): SmallTensor | undefined {
  const dims = tensors.map((tensor) => tensor.dims).reduce(broadcastLengths)
  if (size(dims) > MAX_VALUES) return undefined
  const values = places(dims).map((place) => compute(...tensors.map((tensor) => at(tensor, place))))
  return stored(type, dims, values)
}

export function broadcastLengths(a: Place, b: Place): Place {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    return x === 1 ? y : x
  })
}

function at(tensor: SmallTensor, place: Place): number {
  return tensor.values[offset(tensor.dims, broadcastPlace(tensor.dims, place))] ?? Number.NaN
}

/** Where a tensor of shape `dims` is read for `place` of the shape it is broadcast to. */
export function broadcastPlace(dims: Place, place: Place): Place {
  return dims.map((length, i) => (length === 1 ? 0 : (place[i + place.length - dims.length] ?? 0)))
}

function offset(dims: Place, place: Place): number {
  return dims.reduce((sum, length, i) => sum * length + (place[i] ?? 0), 0)
}

/** Every place of a shape, row-major. */
export function places(dims: Place): readonly Place[] {
  return dims.reduce<readonly Place[]>(
    (all, length) => all.flatMap((place) => Array.from({ length }, (_, i) => [...place, i])),
    [[]],
  )
}
