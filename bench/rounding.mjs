import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
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
