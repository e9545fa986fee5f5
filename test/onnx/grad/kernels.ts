import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, type NodeProto, TensorProto_DataType } from 'onnx-buf'
import { intAttribute, intsAttribute, tensorAttribute } from '../../../src/onnx/messages.ts'
import { isDefaultDomain } from '../../../src/onnx/operators.ts'

/** What a kernel is looked up by: operator, operator set, and the type of the numbers that it works on. */
export interface KernelForm {
  readonly node: string
  readonly operator: string
  readonly opset: number
  readonly type: string
}

/** Operators without a kernel, and why they are written all the same. */
const LACKING: Readonly<Record<string, string>> = {
  Cosh: "Sinh's slope: Sinh has no kernel either",
  Sinh: "Cosh's slope: Cosh has no kernel either",
}

/** Graphs are kept there for bench/placement/kernels.mjs, which asks the provider about them. */
const FOLDER = process.env.SESS_GRAPHS

const TRUTHS = new Set(['And', 'Equal', 'Greater', 'Less', 'Not', 'Or'])
const COUNTS = new Set(['ArgMax', 'Shape', 'Size'])

/** Which of the nodes `added` to a model ONNX Runtime's CUDA provider is not known to have a kernel for. */
export function withoutKernel(bytes: Uint8Array, added: readonly NodeProto[]): readonly string[] {
  const names = new Set(added.map(({ name }) => name))
  const forms = kernelForms(bytes).filter(({ node }) => names.has(node))
  keepGraph(bytes, forms)
  if (FOLDER !== undefined) return [] // the list is about to be written
  const unknown = forms.filter(
    ({ operator, type, opset }) => LACKING[operator] === undefined && !KERNELS.get(`${operator} ${type}`)?.has(opset),
  )
  return [
    ...unknown.map(({ operator, type, opset }) => `${operator} of ${type} in operator set ${opset}`),
    ...added.filter(isPaddedUnevenly).map(({ opType }) => `${opType} with other pads at the end than at the beginning`),
  ]
}

/** The one kernel that is refused for its attributes. */
function isPaddedUnevenly(node: NodeProto): boolean {
  const pads = (node.opType === 'ConvTranspose' && intsAttribute(node, 'pads')) || []
  return pads.slice(0, pads.length / 2).join() !== pads.slice(pads.length / 2).join()
}

/** Forms of a model's nodes. float64 counts as float32, whose place it takes in tests. */
function kernelForms(bytes: Uint8Array): readonly KernelForm[] {
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes)
  const opset = Number(opsetImport.find(({ domain }) => isDefaultDomain(domain))?.version)
  const types = new Map<string, string>()
  for (const { name, dataType } of graph?.initializer ?? []) types.set(name, spelling(dataType))
  for (const { name, type } of graph?.input ?? []) {
    if (type?.value.case === 'tensorType') types.set(name, spelling(type.value.value.elemType))
  }
  return (graph?.node ?? []).map((node) => {
    const type = types.get(node.input[node.opType === 'Where' ? 1 : 0] ?? '') ?? 'float32'
    for (const [i, output] of node.output.entries()) types.set(output, resultType(node, type, i))
    return { node: node.name, operator: node.opType, opset, type }
  })
}

function resultType(node: NodeProto, type: string, output: number): string {
  if (node.opType === 'Cast') return spelling(intAttribute(node, 'to', TensorProto_DataType.FLOAT))
  if (node.opType === 'Constant') return spelling(tensorAttribute(node, 'value')?.dataType)
  if (TRUTHS.has(node.opType)) return 'bool'
  if (COUNTS.has(node.opType) || (node.opType === 'MaxPool' && output === 1)) return 'int64'
  return node.opType === 'ConstantOfShape' ? 'float32' : type
}

function spelling(type: number = TensorProto_DataType.FLOAT): string {
  const isFloat = type === TensorProto_DataType.FLOAT || type === TensorProto_DataType.DOUBLE
  return isFloat ? 'float32' : (TensorProto_DataType[type] ?? '').toLowerCase()
}

function keepGraph(bytes: Uint8Array, forms: readonly KernelForm[]): void {
  if (FOLDER === undefined) return
  mkdirSync(FOLDER, { recursive: true })
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  writeFileSync(join(FOLDER, `${name}.onnx`), bytes)
  writeFileSync(join(FOLDER, `${name}.json`), JSON.stringify(forms))
}

/** Operator sets by operator and type, as bench/placement/kernels.mjs wrote them. */
const KERNELS: ReadonlyMap<string, ReadonlySet<number>> = new Map(
  readFileSync(new URL('cuda-kernels.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [form = '', opsets = ''] = line.split(': ')
      return [form, new Set(opsets.split(' ').map(Number))]
    }),
)
