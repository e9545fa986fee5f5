/** Opens a graph in the CUDA provider and says what each of its nodes would run on. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** cudaMemcpyKind. */
const KINDS = ['on host', 'to device', 'from device', 'on device', 'unsaid']

/**
 * @param {{ bytes: Uint8Array, externalFolder: string | undefined, precision?: 'fp32' | 'tf32', batch: number }} graph
 * `batch` 0: opened and not run
 */
export async function placementOf(provider, { bytes, externalFolder, precision = 'fp32', batch }) {
  const folder = mkdtempSync(join(tmpdir(), 'sess-placement-'))
  try {
    const file = join(folder, 'graph.onnx')
    writeFileSync(file, bytes)
    const { status, out, log } = await runProbe(provider, [
      file,
      externalFolder ?? '-',
      precision,
      `${batch}`,
      join(folder, 'profile'),
    ])
    const refusal = log.match(/^refused: (.*)$/m)?.[1]
    if (status !== 0) return { refusal: refusal ?? log.trim().split('\n').at(-1) ?? `exit ${status}` }
    return { ...readLog(log, readProfile(folder)), ...(batch > 0 && { run: readRun(JSON.parse(out)) }) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function runProbe({ library, probe, environment }, args) {
  const child = spawn(probe, [library, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  const [out, coloured] = await Promise.all([text(child.stdout), text(child.stderr)])
  const esc = String.fromCharCode(27)
  return { status: await exit, out, log: coloured.replaceAll(new RegExp(`${esc}\\[[\\d;]*m`, 'g'), '') }
}

/** Nodes by the provider they are on, as the log lists them once the graph is final. */
function readLog(log, profile) {
  const lines = log.split('\n')
  const lacking = new Set(
    matches(
      log,
      /CUDA kernel not (?:found in registries|supported\. Fallback to CPU execution provider) for Op type: \S+ node name: (.*)$/gm,
    ),
  )
  const placed = new Map()
  let nodes = []
  for (const line of lines) {
    const group = line.match(/(?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/)
    if (group !== null) {
      nodes = []
      placed.set(group[1], { count: Number(group[2]), nodes })
      continue
    }
    const node = line.match(/VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \((.*)\)$/)
    if (node !== null) nodes.push({ operator: node[1], name: node[2] })
  }
  const onCpu = placed.get('CPUExecutionProvider')?.nodes ?? []
  const isCopy = ({ operator }) => operator.startsWith('Memcpy')
  const cuda = placed.get('CUDAExecutionProvider') ?? { count: 0, nodes: [] }
  const copies = [...cuda.nodes, ...onCpu].filter(isCopy)
  const reasons = new Map(
    matches(log, /Dropping the (\w+ node: .*)$/gm).map((line) => [
      line.match(/node: (\S+)/)?.[1],
      line.replace(/^.*? because it /, ''),
    ]),
  )
  return {
    cuda: cuda.count - cuda.nodes.filter(isCopy).length,
    cpu: onCpu
      .filter((node) => !isCopy(node))
      .map((node) => {
        const types = profile.get(node.name)
        const reason = reasons.get(node.name)
        const isShape =
          types !== undefined && ![...types.inputs, ...types.outputs].some((type) => /float|double/.test(type))
        const kind = lacking.has(node.name) ? 'no kernel' : isShape ? 'shape' : 'follows'
        return {
          ...node,
          kind,
          ...(types && { types: [...new Set([...types.inputs, ...types.outputs])].join(' ') }),
          ...(reason && { reason }),
        }
      }),
    copies: copies.map(({ operator, name }) => ({ operator, name })),
  }
}

function matches(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => match[1])
}

/** Types of each node's inputs and outputs, of the runs. */
function readProfile(folder) {
  const file = readdirSync(folder).find((name) => name.startsWith('profile'))
  if (file === undefined) return new Map()
  const events = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const typesOf = (list) => (list ?? []).map((entry) => Object.keys(entry)[0])
  return new Map(
    events
      .filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
      .map(({ name, args }) => [
        name.replace(/_kernel_time$/, ''),
        { inputs: typesOf(args.input_type_shape), outputs: typesOf(args.output_type_shape) },
      ]),
  )
}

/** Copies by kind: how many and of how many bytes. */
function readRun({ launches, waits, allocations, copies }) {
  const kinds = {}
  for (const [kind, bytes] of copies) {
    const { count = 0, bytes: before = 0 } = kinds[KINDS[kind]] ?? {}
    kinds[KINDS[kind]] = { count: count + 1, bytes: before + bytes }
  }
  return { launches, waits, allocations, copies: kinds }
}
