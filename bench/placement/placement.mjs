/** Opens a graph in the CUDA provider and says what each of its nodes would run on. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DROPPED, LACKING, MEMCPY, placedNodes, plainLog } from './log.mjs'

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
  return { status: await exit, out, log: plainLog(coloured) }
}

/**
 * Nodes by where they are, as the log lists them once the graph is final. `shape`: those on the processor that no float
 * goes through, by operator; `compute`: the others there, each with why where the log says.
 */
function readLog(log, profile) {
  const lacking = new Set([...log.matchAll(LACKING)].map(([, , name]) => name))
  const reasons = new Map([...log.matchAll(DROPPED)].map(([, name, why]) => [name, why]))
  const placed = placedNodes(log)
  const isCopy = ({ operator }) => operator.startsWith('Memcpy')
  const memcpy = Number(log.match(MEMCPY)?.[1] ?? 0)
  const onCpu = placed.CPUExecutionProvider.filter((node) => !isCopy(node))
  const isShape = ({ name }) => profile.get(name)?.some((type) => /float|double/.test(type)) === false
  const shape = {}
  for (const node of onCpu.filter(isShape)) shape[node.operator] = (shape[node.operator] ?? 0) + 1
  const compute = onCpu
    .filter((node) => !isShape(node))
    .map((node) => ({
      ...node,
      types: profile.get(node.name)?.join(' '),
      why: reasons.get(node.name) ?? (lacking.has(node.name) ? 'no kernel' : 'its inputs are on the processor'),
    }))
  return { cuda: placed.count - memcpy - onCpu.length, cpu: { shape, compute }, memcpy }
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
        [...new Set([...typesOf(args.input_type_shape), ...typesOf(args.output_type_shape)])],
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
