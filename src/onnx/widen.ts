import {
  type AttributeProto,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
} from 'onnx-buf'
import { declaredTensor, makeNode, makeValueInfo, revise } from './messages.ts'
import type { ReadModel } from './proto.ts'
import { floatTensor, tensorDims, tensorValues } from './tensors.ts'

const { FLOAT, FLOAT16 } = TensorProto_DataType

/** Initializers up to this many values are rewritten; larger weights stay where they are, and a Cast reads them. */
const MOST_REWRITTEN = 4096

/**
 * A model that computes in float16, so that it computes in float32: gradients of float16 lose what is under 6e-8, and
 * ONNX Runtime's CPU kernels know few operators in it. The weights keep their values; ONNX Runtime casts them once,
 * when the session opens. Undefined where nothing is float16.
 */
export function widenHalves(model: ReadModel): ReadModel | undefined {
  const { graph, functions } = model.proto
  if (graph === undefined || !usesHalves(graph)) return undefined
  const widened = {
    graph: widenGraph(graph, new Set(namesOf(graph))),
    functions: functions.map((one) => revise(FunctionProtoSchema, one, { node: one.node.map(widenConstants) })),
  }
  return { ...model, proto: revise(ModelProtoSchema, model.proto, widened) }
}

/** `taken`: the names of all tensors, branches included, for a name may not be given twice. */
function widenGraph(graph: GraphProto, taken: Set<string>): GraphProto {
  const casts: NodeProto[] = []
  const initializer = graph.initializer.map((tensor) => {
    if (tensor.dataType !== FLOAT16) return tensor
    const isSmall = tensor.externalData.length === 0 && tensorDims(tensor).reduce((a, b) => a * b, 1) <= MOST_REWRITTEN
    const rewritten = isSmall ? floatOf(tensor) : undefined
    if (rewritten !== undefined) return rewritten
    const name = freshName(`${tensor.name}_float16`, taken)
    casts.push(makeNode('Cast', [name], [tensor.name], { to: { int: FLOAT } }, name))
    return revise(TensorProtoSchema, tensor, { name })
  })
  return revise(GraphProtoSchema, graph, {
    initializer,
    node: [...casts, ...graph.node.map((node) => widenNode(node, taken))],
    // A weight that is listed as an input too would now be an input that nothing gives
    input: graph.input.filter(({ name }) => !casts.some(({ output }) => output[0] === name)).map(widenInfo),
    output: graph.output.map(widenInfo),
    valueInfo: [],
  })
}

function namesOf({ initializer, input, node }: GraphProto): readonly string[] {
  const inner = node.flatMap(({ attribute }) => attribute.flatMap(subgraphs)).flatMap(namesOf)
  return [...[...initializer, ...input].map(({ name }) => name), ...node.flatMap(({ output }) => output), ...inner]
}

function subgraphs({ g, graphs }: AttributeProto): readonly GraphProto[] {
  return g === undefined ? graphs : [g, ...graphs]
}

function usesHalves({ initializer, input, node }: GraphProto): boolean {
  const isHalf = (info: ValueInfoProto) => declaredTensor(info)?.elemType === FLOAT16
  const castsToHalf = (n: NodeProto) => n.opType === 'Cast' && n.attribute.some(isHalfType)
  return initializer.some(({ dataType }) => dataType === FLOAT16) || input.some(isHalf) || node.some(castsToHalf)
}

const TYPES: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype'])

function isHalfType({ name, i }: AttributeProto): boolean {
  return TYPES.has(name) && Number(i) === FLOAT16
}

/** The same numbers; undefined where they are not inline. */
function floatOf(tensor: TensorProto): TensorProto | undefined {
  const values = tensorValues(tensor)
  return values === undefined ? undefined : floatTensor(tensor.name, values, tensorDims(tensor))
}

/** A node with what it is told of types, and its branches. */
function widenNode(node: NodeProto, taken: Set<string>): NodeProto {
  const constants = widenConstants(node)
  if (!node.attribute.some((one) => subgraphs(one).length > 0)) return constants
  const attribute = constants.attribute.map((one) =>
    revise(AttributeProtoSchema, one, {
      ...(one.g && { g: widenGraph(one.g, taken) }),
      graphs: one.graphs.map((graph) => widenGraph(graph, taken)),
    }),
  )
  return revise(NodeProtoSchema, node, { attribute })
}

/** Types that a node is told: the target of a Cast, the value of a constant. */
function widenConstants(node: NodeProto): NodeProto {
  const attribute = node.attribute.map((one) => {
    if (isHalfType(one)) return revise(AttributeProtoSchema, one, { i: BigInt(FLOAT) })
    const value = one.t?.dataType === FLOAT16 ? floatOf(one.t) : undefined
    return value === undefined ? one : revise(AttributeProtoSchema, one, { t: value })
  })
  const isChanged = attribute.some((one, i) => one !== node.attribute[i])
  return isChanged ? revise(NodeProtoSchema, node, { attribute }) : node
}

function widenInfo(info: ValueInfoProto): ValueInfoProto {
  const declared = declaredTensor(info)
  if (declared?.elemType !== FLOAT16) return info
  const names = (dim: number, axis: number) => (dim >= 0 ? dim : `${info.name}_${axis}`)
  return makeValueInfo(info.name, FLOAT, declared.dims?.map(names))
}

function freshName(wanted: string, taken: Set<string>): string {
  let name = wanted
  while (taken.has(name)) name = `${name}_`
  taken.add(name)
  return name
}
