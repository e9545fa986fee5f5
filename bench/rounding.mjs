import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf'

const { FLOAT, FLOAT16 } = TensorProto_DataType
const isHalf = (name) => name.startsWith('sess_half_')

function cast(from, to, type) {
  const attribute = [
    create(AttributeProtoSchema, { name: 'to', type: AttributeProto_AttributeType.INT, i: BigInt(type) }),
  ]
  return create(NodeProtoSchema, { opType: 'Cast', name: `${from} as ${to}`, input: [from], output: [to], attribute })
}

/**
 * A narrowed model for the CPU, where ONNX Runtime has no float16 kernels: it casts around every node and leaves out the
 * Casts between two, and with them the rounding. Here each node computes in float32 between Casts of the model's own,
 * which stay: every float16 tensor is rounded, with its range.
 */
export function rounding(bytes) {
  const model = fromBinary(ModelProtoSchema, bytes)
  const widened = new Set()
  model.graph.node = model.graph.node.flatMap((node) => {
    if (node.opType === 'Cast') return [node]
    const before = []
    const after = []
    const input = node.input.map((name) => {
      if (!isHalf(name)) return name
      if (!widened.has(name)) before.push(cast(name, `${name} wide`, FLOAT))
      widened.add(name)
      return `${name} wide`
    })
    const output = node.output.map((name) => {
      if (!isHalf(name)) return name
      after.push(cast(`${name} exact`, name, FLOAT16))
      return `${name} exact`
    })
    return [...before, Object.assign(create(NodeProtoSchema), node, { input, output }), ...after]
  })
  return toBinary(ModelProtoSchema, model)
}

/** The operators whose first two inputs cuBLAS and cuDNN multiply in TF32. */
const multiplying = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

/**
 * A model that multiplies as with TF32: what goes into convolutions and matrix products is rounded to 10 bits of
 * mantissa, `h = c - (c - x)` with `c = (2^13 + 1) x` (Dekker 1971), and sums stay in float32.
 */
export function multiplyingInTf32(bytes) {
  const model = fromBinary(ModelProtoSchema, bytes)
  const factor = 'tf32 splitter'
  model.graph.initializer.push(create(TensorProtoSchema, { name: factor, dataType: FLOAT, floatData: [8193] }))
  const rounded = new Set()
  const binary = (opType, [a, b], output) =>
    create(NodeProtoSchema, { opType, name: output, input: [a, b], output: [output] })
  model.graph.node = model.graph.node.flatMap((node) => {
    if (!multiplying.has(node.opType)) return [node]
    const before = []
    const input = node.input.map((name, i) => {
      if (i > 1) return name
      const [wide, rest, high] = ['wide', 'rest', 'high'].map((part) => `${name} tf32 ${part}`)
      if (!rounded.has(name)) {
        before.push(
          binary('Mul', [name, factor], wide),
          binary('Sub', [wide, name], rest),
          binary('Sub', [wide, rest], high),
        )
      }
      rounded.add(name)
      return high
    })
    return [...before, Object.assign(create(NodeProtoSchema), node, { input })]
  })
  return toBinary(ModelProtoSchema, model)
}
