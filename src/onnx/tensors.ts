import { create } from '@bufbuild/protobuf'
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'

export type FloatType = TensorProto_DataType.FLOAT | TensorProto_DataType.DOUBLE

export function int64Tensor(name: string, values: readonly number[], dims: readonly number[]): TensorProto {
  return rawTensor(name, TensorProto_DataType.INT64, dims, BigInt64Array.from(values, BigInt))
}

export function floatTensor(
  name: string,
  values: readonly number[],
  dims: readonly number[],
  type: FloatType = TensorProto_DataType.FLOAT,
): TensorProto {
  const data = type === TensorProto_DataType.DOUBLE ? Float64Array.from(values) : Float32Array.from(values)
  return rawTensor(name, type, dims, data)
}

function rawTensor(
  name: string,
  dataType: TensorProto_DataType,
  dims: readonly number[],
  data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>,
): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData })
}

export function tensorDims(tensor: TensorProto): readonly number[] {
  return tensor.dims.map(Number)
}

/** The numbers of a tensor that is held inline, row-major; undefined for external data and other types. */
export function tensorValues(tensor: TensorProto): readonly number[] | undefined {
  if (tensor.externalData.length > 0) return undefined
  const count = tensorDims(tensor).reduce((a, b) => a * b, 1)
  // A copy, which is aligned; slice() would be a view where the data came as a Buffer
  const raw = tensor.rawData.length > 0 ? new Uint8Array(tensor.rawData).buffer : undefined
  switch (tensor.dataType) {
    case TensorProto_DataType.FLOAT:
      return exactly(count, raw ? Array.from(new Float32Array(raw)) : tensor.floatData)
    case TensorProto_DataType.DOUBLE:
      return exactly(count, raw ? Array.from(new Float64Array(raw)) : tensor.doubleData)
    case TensorProto_DataType.INT64:
      return exactly(count, raw ? Array.from(new BigInt64Array(raw), Number) : tensor.int64Data.map(Number))
    case TensorProto_DataType.INT32:
      return exactly(count, raw ? Array.from(new Int32Array(raw)) : tensor.int32Data)
    case TensorProto_DataType.FLOAT16:
      return exactly(count, (raw ? Array.from(new Uint16Array(raw)) : tensor.int32Data).map(halfValue))
    case TensorProto_DataType.BOOL:
    case TensorProto_DataType.UINT8:
      return exactly(count, raw ? Array.from(new Uint8Array(raw)) : tensor.int32Data)
    default:
      return undefined
  }
}

/** The number behind the bits of an IEEE binary16. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function exactly(count: number, values: readonly number[]): readonly number[] | undefined {
  return values.length === count ? values : undefined
}
