/** Medians, tables and where results go. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runtime, simdVariants } from '../dist/native.js'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const shared = (path) => join(resolve(root, process.env.SESS_SHARED ?? '../shared'), path)

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Command line of a benchmark: `--model`, `--device`, `--precision`, `--threads`, `--trials`, `--json FILE`. */
export function benchArguments(defaults) {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', multiple: true },
      device: { type: 'string' },
      precision: { type: 'string' },
      threads: { type: 'string' },
      trials: { type: 'string' },
      json: { type: 'string' },
    },
  })
  return {
    models: values.model ?? defaults.models,
    device: values.device ?? 'cpu',
    precision: values.precision ?? 'fp32',
    threads: Number(values.threads ?? 2),
    trials: Number(values.trials ?? defaults.trials),
    json: values.json,
  }
}

export const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  simd: simdVariants().at(-1),
  node: process.version,
  onnxruntime: runtime.version,
}

/** Prints rows as a table and `lists` a line each, and writes all of it as JSON where asked to. */
export function report(title, rows, json, lists = {}) {
  console.log(
    `\n${title} (${machine.cpu}, ${machine.cores} cores, ${machine.simd}, ONNX Runtime ${machine.onnxruntime})`,
  )
  console.table(rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, rounded(v)]))))
  for (const [name, list] of Object.entries(lists)) console.log(`${name}: ${list.join(', ')}`)
  if (json === undefined) return
  mkdirSync(dirname(resolve(json)), { recursive: true })
  writeFileSync(json, `${JSON.stringify({ title, machine, rows, ...lists }, null, 2)}\n`)
}

const rounded = (value) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
