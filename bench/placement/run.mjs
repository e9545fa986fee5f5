/**
 * Where the nodes of our graphs run on ONNX Runtime's CUDA provider, without a GPU: which are on the device, which on the
 * processor, and what one run copies. Stand-ins take the place of CUDA's libraries (`standins.mjs`), the provider and
 * native/ort are the real ones. What a node computes, and how fast, this does not say.
 *   node bench/placement/run.mjs [--model FILE]... [--method NAME]... [--precision fp32|fp16]... [--batch 4] [--json FILE]
 * Without --model: shared/models, tiny200, and exports of .cache/gradients (bench/gradients/export.py). Fetches the
 * provider by npm, once, into the user's cache folder; needs CUDA's headers (SESS_CUDA_INCLUDE) and a compiler.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Device } from '../../dist/native.js'
import { openClassifier } from '../gradients/open.mjs'
import { root, shared } from '../measure.mjs'
import { graphsOf } from './graphs.mjs'
import { placementOf } from './placement.mjs'
import { openProvider } from './provider.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true },
    method: { type: 'string', multiple: true },
    precision: { type: 'string', multiple: true, default: ['fp32', 'fp16'] },
    batch: { type: 'string', default: '4' },
    json: { type: 'string' },
  },
})
const exported = join(root, '.cache/gradients')
const models = values.model ?? [
  join(root, 'models/tiny200/tiny200.onnx'),
  ...['mobilenet-v1-075-224', 'mobilenet-v2-100-224'].map((name) => shared(`models/${name}.onnx`)),
  ...(existsSync(exported)
    ? readdirSync(exported)
        .filter((file) => file.endsWith('-17.onnx'))
        .map((file) => join(exported, file))
    : []),
]
const device = new Device({ type: 'cpu', threads: 1 })
const provider = openProvider()

const rows = []
for (const path of models) {
  const classifier = await openClassifier(device, path)
  for (const precision of values.precision) {
    const { graphs, refused } = await graphsOf(classifier, precision)
    for (const [name, why] of Object.entries(refused)) console.log(`${basename(path)} ${precision} ${name}: ${why}`)
    for (const { names, bytes, externalFolder } of graphs) {
      const methods = values.method === undefined ? names : names.filter((name) => values.method.includes(name))
      if (methods.length === 0) continue
      const placement = await placementOf(provider, { bytes, externalFolder, batch: Number(values.batch) })
      const graph = { model: basename(path, '.onnx'), opset: classifier.opset, precision, graph: methods.join(', ') }
      const row = { ...graph, ...facts(placement) }
      rows.push(row)
      console.log(
        Object.entries(row)
          .map(([name, value]) => `${name} ${value}`)
          .join('; '),
      )
    }
  }
}

/** What is told of a graph. */
function facts({ refusal, cuda, cpu, memcpy, run }) {
  if (refusal !== undefined) return { refusal }
  const compute = cpu.compute.map(({ operator, types, why }) => `${operator} of ${types} (${why})`)
  const copies = Object.entries(run?.copies ?? {}).map(
    ([kind, { count, bytes }]) => `${count} ${kind} (${bytes} bytes)`,
  )
  return {
    'on CUDA': cuda,
    'on the processor for shapes': Object.values(cpu.shape).reduce((sum, count) => sum + count, 0),
    'on the processor else': compute.join(', ') || 'none',
    Memcpy: memcpy,
    ...(run && { launches: run.launches, waits: run.waits, allocations: run.allocations }),
    copies: copies.join(', ') || 'none',
  }
}

if (values.json !== undefined) {
  mkdirSync(dirname(resolve(values.json)), { recursive: true })
  const command = ['node', 'bench/placement/run.mjs', ...process.argv.slice(2)].join(' ')
  const report = {
    title: 'Where nodes run on the CUDA provider',
    command,
    versions: provider.versions,
    batch: Number(values.batch),
    rows,
  }
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
}
