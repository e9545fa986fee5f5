/**
 * For which of the operators that the gradient builder writes the CUDA provider has kernels: asks it about every graph
 * of the rules' tests, in float32 and in float16, and writes test/onnx/grad/cuda-kernels.txt, which the tests hold the
 * builder to.
 *   SESS_GRAPHS=FOLDER npx vitest run test/onnx/grad/rules test/methods/cuda-kernels.test.ts
 *   node bench/placement/kernels.mjs FOLDER
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataType } from 'onnx-buf'
import { LACKING, placedNodes, plainLog } from './log.mjs'
import { openProvider } from './provider.mjs'

const { DOUBLE, FLOAT, FLOAT16 } = TensorProto_DataType
const isFloat = (type) => type === FLOAT || type === DOUBLE
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: kernels.mjs FOLDER')
const provider = openProvider()
const graphs = readdirSync(folder).filter((file) => file.endsWith('.onnx'))

/** Of each form: whether some graph found a kernel for it, and whether some graph found none. */
const found = new Map()
/** Operators of models, in some operator set without a kernel. */
const modelsOwn = new Set()
for (const type of [FLOAT, FLOAT16]) {
  const work = mkdtempSync(join(tmpdir(), 'sess-kernels-'))
  for (const graph of graphs) writeFileSync(join(work, graph), inType(readFileSync(join(folder, graph)), type))
  const input = graphs.map((graph) => `${join(work, graph)}\n`).join('')
  const log = plainLog(askAbout(input))
  rmSync(work, { recursive: true })
  let refused = 0
  for (const part of log.split(/^graph /m).slice(1)) {
    const isRefused = /^refused: /m.test(part)
    if (isRefused) refused++
    else takeForms(basename(part.slice(0, part.indexOf('\n')), '.onnx'), part, type)
  }
  console.log(
    `${TensorProto_DataType[type]}: ${graphs.length - refused} graphs opened, ${refused} are none in this type`,
  )
}

function askAbout(input) {
  const { probe, library, environment } = provider
  const command = [
    `"${probe}" "${library}" 2>&1 >/dev/null | grep -E '^graph |^refused: |CUDA kernel not|placed on|VerifyEachNode'`,
  ]
  return execFileSync('bash', ['-c', ...command], { input, env: environment, encoding: 'utf8', maxBuffer: 2 ** 28 })
}

function takeForms(graph, log, type) {
  const lacking = new Map([...log.matchAll(LACKING)].map(([, operator, name]) => [name, operator]))
  for (const form of JSON.parse(readFileSync(join(folder, `${graph}.json`), 'utf8'))) {
    const isHalf = type === FLOAT16
    if (isHalf && form.type !== 'float32') continue
    const key = `${form.operator} ${isHalf ? 'float16' : form.type}`
    const all = found.get(key) ?? { kernels: new Set(), lacks: new Map() }
    if (lacking.has(form.node)) all.lacks.set(form.opset, graph)
    else all.kernels.add(form.opset)
    found.set(key, all)
    lacking.delete(form.node)
  }
  // Others are functions, which are inlined
  const onCpu = new Set(placedNodes(log).CPUExecutionProvider.map(({ name }) => name))
  if (type === FLOAT) for (const [name, operator] of lacking) if (onCpu.has(name)) modelsOwn.add(operator)
}

/** The graph with its floats in another type. */
function inType(bytes, type) {
  const model = fromBinary(ModelProtoSchema, bytes)
  const { graph } = model
  for (const tensor of graph.initializer) retype(tensor, type)
  for (const { type: declared } of [...graph.input, ...graph.output]) {
    if (declared?.value.case === 'tensorType' && isFloat(declared.value.value.elemType))
      declared.value.value.elemType = type
  }
  for (const node of graph.node) {
    for (const attribute of node.attribute) {
      if (attribute.name === 'to' && isFloat(Number(attribute.i))) attribute.i = BigInt(type)
      if (attribute.t !== undefined) retype(attribute.t, type)
    }
  }
  return toBinary(ModelProtoSchema, model)
}

/** Placement does not look at values: zeros. */
function retype(tensor, type) {
  if (!isFloat(tensor.dataType) || tensor.name.startsWith('sess_float32s')) return
  const count = tensor.dims.reduce((product, length) => product * Number(length), 1)
  tensor.dataType = type
  tensor.floatData = []
  tensor.doubleData = []
  tensor.rawData = new Uint8Array(count * (type === FLOAT16 ? 2 : 4))
}

const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
const lines = sorted.flatMap(([key, { kernels, lacks }]) => {
  const opsets = [...kernels].filter((opset) => !lacks.has(opset)).sort((a, b) => a - b)
  return opsets.length > 0 ? [`${key}: ${opsets.join(' ')}`] : []
})
const header = [
  '# Operators and types, by operator set, for which the CUDA provider of ONNX Runtime has kernels: those that gradients',
  `# are made of. Written by bench/placement/kernels.mjs; onnxruntime ${provider.versions['onnxruntime-node']}, CUDA ${provider.versions.cuda}.`,
]
writeFileSync(
  new URL('../../test/onnx/grad/cuda-kernels.txt', import.meta.url),
  `${[...header, ...lines].join('\n')}\n`,
)
for (const [key, { kernels, lacks }] of sorted) {
  const list = [...lacks]
    .sort(([a], [b]) => a - b)
    .map(([opset, graph]) => `${opset}${kernels.has(opset) ? ' in part' : ''} (${graph})`)
  if (list.length > 0) console.log(`no kernel: ${key}: ${list.join(', ')}`)
}
console.log(`of the models' own, in some operator set: ${[...modelsOwn].sort().join(', ')}`)
