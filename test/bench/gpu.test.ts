import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const benchmark = `{
  "device": "a GPU", "memory": {"runs": 200, "free_after_first": 1000, "free_after_last": 1000},
  "ops": [
    {"op": "fuse", "ms": 0.5, "megabytes": 1.0, "GB_per_s": 900.0, "share_of_copy": 0.9}
  ]
}`
const copies = `Total (MB),Count,Operation
51.2,40,[CUDA memcpy Host-to-Device]
1.1,5,[CUDA memcpy Device-to-Host]`
const tests = '[==========] 9 tests ran.\n[  PASSED  ] 9 tests.'
const print = (text: string) => `cat <<'TEXT'\n${text}\nTEXT`

/** Stand-ins for what the script calls, as shell scripts; all of them succeed. */
const tools = {
  'build/native/bench/gpu/gpu_bench': print(benchmark),
  'build/native/bench/gpu/gpu_model': print('{"largest_difference": 1e-6}'),
  'build/native/test/native_test': print(tests),
  'bin/compute-sanitizer': 'exit 0',
  'bin/node': `case "$*" in
    *numPassedTests*) exec '${process.execPath}' "$@" ;;
    *explain.mjs*) echo '{"rows": []}' >"\${!#}" ;;
  esac`,
  'bin/npx': `case "$*" in *vitest*) echo '{"numPassedTests": 30, "numPendingTests": 0}' >"\${!##*=}" ;; esac`,
  'bin/nsys': `if [[ $1 == profile ]]; then head -c 1000000 /dev/zero >"\${!#}"; else ${print(copies)}
fi`,
}
type Tools = Readonly<Partial<Record<keyof typeof tools | 'bin/nvidia-smi', string>>>

interface Outcome {
  readonly status: number
  /** Result and detail by step. */
  readonly steps: Readonly<Record<string, string>>
  readonly results: Readonly<Record<string, unknown>> | undefined
}

/** Runs a copy of the script with stand-ins, its paths relative to the caller's folder. */
async function gpu(changed: Tools = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-gpu-'))
  folders.push(folder)
  for (const [path, script] of Object.entries({ ...tools, ...changed })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `#!/usr/bin/env bash\n${script}\n`)
    chmodSync(join(folder, path), 0o755)
  }
  for (const path of ['project/bench', 'project/node_modules', 'ort'])
    mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(join(folder, 'model.onnx'), '')
  copyFileSync(join(import.meta.dirname, '../../bench/gpu.sh'), join(folder, 'project/bench/gpu.sh'))
  const env = {
    PATH: `${folder}/bin:/usr/bin:/bin`,
    SESS_GPU_BUILD: 'build',
    SESS_GPU_MODEL: 'model.onnx',
    SESS_ORT_CUDA_DIR: 'ort',
  }
  const [status, stdout] = await new Promise<[number, string]>((resolve) => {
    const child = execFile('bash', ['project/bench/gpu.sh'], { cwd: folder, env }, (_, out) =>
      resolve([child.exitCode ?? -1, out]),
    )
  })
  const rows = stdout.matchAll(/^(.{34}) (ok|FAILED|skipped) +(.*)$/gm)
  const steps = Object.fromEntries(Array.from(rows, ([, step = '', ...rest]) => [step.trim(), rest.join(': ')]))
  const [file] = stdout.includes('bench/results/') ? readdirSync(join(folder, 'project/bench/results')) : []
  const results = file && JSON.parse(readFileSync(join(folder, 'project/bench/results', file), 'utf8'))
  return { status, steps, results }
}

describe('bench/gpu.sh', { timeout: 60_000 }, () => {
  it('succeeds where every step does', async () => {
    const { status, steps, results } = await gpu()
    expect(Object.entries(steps).filter(([, result]) => !result.startsWith('ok'))).toEqual([
      ['a killed process leaves nothing', 'skipped: there is no nvidia-smi'],
      ['memory flat over 200 explains', 'skipped: there is no nvidia-smi'],
    ])
    expect(steps['copies counted']).toBe('ok: 51200000 bytes up, 1100000 down (most: 3000000)')
    expect(steps['goldens on the device']).toBe('ok: 30 passed, 0 skipped')
    expect(results).toMatchObject({ native: { device: 'a GPU' }, model_tf32: { largest_difference: 1e-6 } })
    for (const precision of ['fp32', 'tf32', 'fp16']) expect(results?.[`explain_${precision}`]).toEqual({ rows: [] })
    expect(status).toBe(0)
  })

  it('skips what needs a device where the benchmark finds none', async () => {
    const { status, steps, results } = await gpu({
      'build/native/bench/gpu/gpu_bench': 'echo there is no NVIDIA driver >&2; exit 77',
    })
    expect(steps['native tests']).toMatch(/^ok/)
    expect(steps['native benchmark']).toBe('skipped: there is no NVIDIA driver')
    expect(steps['end to end']).toBe('skipped: there is no NVIDIA driver')
    expect(results).toBeUndefined()
    expect(status).toBe(0)
  })

  it.each<[string, string, Tools]>([
    ['native tests', 'tests fail', { 'build/native/test/native_test': `${print(tests)}\nexit 1` }],
    ['native tests', 'no test ran', { 'build/native/test/native_test': 'exit 0' }],
    ['native benchmark', 'the benchmark fails', { 'build/native/bench/gpu/gpu_bench': 'echo {; exit 1' }],
    ['native benchmark', 'the benchmark prints nothing', { 'build/native/bench/gpu/gpu_bench': 'exit 0' }],
    ['memory flat over 200 runs', 'no memory is told', { 'build/native/bench/gpu/gpu_bench': 'echo {}' }],
    [
      'memory flat over 200 runs',
      'memory grows',
      { 'build/native/bench/gpu/gpu_bench': print(benchmark.replace('last": 1000', 'last": 900')) },
    ],
    ['compute-sanitizer racecheck', 'it finds a race', { 'bin/compute-sanitizer': '[[ $2 != racecheck ]]' }],
    ['bare model, tf32', 'results are apart', { 'build/native/bench/gpu/gpu_model': 'echo {}; [[ $3 != tf32 ]]' }],
    ['addon and dist', 'the addon finds no device', { 'bin/node': '[[ $* != *cudaPresence* ]]' }],
    ['goldens on the device', 'another device is used', { 'bin/node': '[[ $* != *Explainer* ]]' }],
    [
      'goldens on the device',
      'every golden is skipped',
      { 'bin/npx': tools['bin/npx'].replace('30', '0').replace('": 0}', '": 30}') },
    ],
    [
      'explain over the bare model, fp32',
      'it writes nothing',
      { 'bin/node': tools['bin/node'].replace('echo ', 'true ') },
    ],
    [
      'explain over the bare model, fp16',
      'float16 fails',
      { 'bin/node': `[[ $* != *fp16* ]] || exit 1\n${tools['bin/node']}` },
    ],
    [
      'memory flat over 200 explains',
      'memory grows',
      { 'bin/nvidia-smi': 'echo 500', 'bin/node': `[[ $* != *'after 200'* ]] || exit 1\n${tools['bin/node']}` },
    ],
    ['copies counted', 'nothing is counted', { 'bin/nsys': tools['bin/nsys'].replace(/^\d.*\n/gm, '') }],
    ['copies counted', 'more comes down than a map', { 'bin/nsys': tools['bin/nsys'].replace('1.1,', '9.9,') }],
  ])('%s fails where %s', async (step, _, changed) => {
    const { status, steps, results } = await gpu(changed)
    expect(steps[step]).toMatch(/^FAILED/)
    expect(results).toBeDefined()
    expect(status).toBe(1)
  })

  it.each([
    ['ok', 'the driver gives all back', '500'],
    ['FAILED', 'memory is not given back', '$((500 + 100 * $(wc -l <"$0.asked")))'],
  ])('a killed process is %s where %s', async (expected, _, used) => {
    const { steps } = await gpu({
      'build/native/bench/gpu/gpu_bench': `${print(benchmark)}\nsleep 4`,
      'bin/nvidia-smi': `case "$*" in *memory.used*) echo >>"$0.asked"; echo ${used} ;; esac`,
    })
    expect(steps['a killed process leaves nothing']).toMatch(new RegExp(`^${expected}: processes: 0 before, 0 after`))
  })
})
