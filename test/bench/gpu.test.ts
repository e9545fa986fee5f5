import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
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
    {"op": "pyramid and gather, 2003 windows of 12 megapixels", "ms": 1.5, "megabytes": 1.0, "GB_per_s": 850.0, "share_of_copy": 0.85},
    {"op": "fuse", "ms": 0.5, "megabytes": 1.0, "GB_per_s": 900.0, "share_of_copy": 0.9}
  ]
}`
const copies = `Total (MB),Count,Operation
51.2,40,[CUDA memcpy Host-to-Device]
1.1,5,[CUDA memcpy Device-to-Host]`
const explained = `{"case": "speed", "photo_bytes": 150000, "map_bytes": 200000, "explain_ms": 84, "bare_ms": 80,\
 "bare_batch": 64, "ratio": 1.04, "photos_per_s": 12, "windows_per_s": 1450, "bound": 1.05, "ratio_holds": true,\
 "memory": {"explanations": 200, "free_after_first": 90000000, "free_after_last": 90000000},\
 "differences": {"processor_to_library": {"share_within_1e-3": 1, "mean": 0, "largest": 0, "holds": true},\
 "cuda_to_library": {"share_within_1e-3": 0.9999, "mean": 2e-06, "largest": 0.002, "holds": true}}, "holds": true}`
/** What bench/explain.mjs writes. */
const overBare = `{
  "title": "explain over the bare model, 2 threads, medians of 9 pairs",
  "rows": [
    {
      "bare ms": 80,
      "bare batch": 64,
      "explain ms": 82.4,
      "ratio": 1.03,
      "top-1 ms": 88,
      "top-1 ratio": 1.1
    }
  ]
}`
/** Counts copies of the number of explanations that is its last argument, where it is asked to. */
const countCopies = `[[ -z \${SESS_COPIES:-} ]] || cat >"$SESS_COPIES" <<TEXT
{"host_to_device": {"copies": 9, "bytes": $((9000000 + 160000 * \${!#}))}, "device_to_host": {"copies": 3, "bytes": \
$((210000 * \${!#}))}, "device_to_device": {"copies": 0, "bytes": 0}, "other": {"copies": 0, "bytes": 0}, "lost": 0}
TEXT`
const tests = '[==========] 9 tests ran.\n[  PASSED  ] 9 tests.'
const print = (text: string) => `cat <<'TEXT'\n${text}\nTEXT`

/** Stand-ins for what the script calls, as shell scripts; all of them succeed. */
const tools = {
  'build/native/bench/gpu/gpu_bench': print(benchmark),
  'build/native/bench/gpu/gpu_model': print('{"largest_difference": 1e-6}'),
  'build/native/bench/gpu/gpu_explain': `${countCopies}\n${print(explained)}`,
  'build/native/bench/gpu/libcount_copies.so': '',
  'build/native/test/native_test': print(tests),
  'project/node_modules/.package-lock.json': '',
  'bin/compute-sanitizer': 'exit 0',
  'bin/node': `case "$*" in
    *numPassedTests*) exec '${process.execPath}' "$@" ;;
    *explains.mjs*) ${countCopies}
      ${print(explained)}
      ;;
    *explain.mjs*) echo '${overBare}' >"\${!#}" ;;
  esac`,
  'bin/npx': `case "$*" in *vitest*) echo '{"numPassedTests": 30, "numPendingTests": 0}' >"\${!##*=}" ;; esac`,
  'bin/nsys': `if [[ $1 == profile ]]; then head -c 1000000 /dev/zero >"\${!#}"; else ${print(copies)}
fi`,
}
/** undefined: left out. */
type Tools = Readonly<Partial<Record<keyof typeof tools | 'bin/nvidia-smi', string | undefined>>>

const cases = {
  'golden.case': 'sess-case 1\nprecision fp32\n',
  'speed.case': 'sess-case 1\nprecision fp32\nbound 1.05\n',
  'speed.fp16.case': 'sess-case 1\nprecision fp16\nbound 1.05\n',
}

/** Ends as `status` says, after printing. */
const explaining = (status: string, printed = explained): Tools => ({
  'build/native/bench/gpu/gpu_explain': `${countCopies}\n${print(printed)}\n${status}`,
})
const counting = (old: string, text: string): Tools => ({ 'bin/node': tools['bin/node'].replace(old, text) })
/** The profiler is asked where the library is missing. */
const profiling = (old: string | RegExp, text: string): Tools => ({
  'build/native/bench/gpu/libcount_copies.so': undefined,
  'bin/nsys': tools['bin/nsys'].replace(old, text),
})

interface Outcome {
  readonly status: number
  /** Result and detail by step. */
  readonly steps: Readonly<Record<string, string>>
  readonly results: Readonly<Record<string, unknown>> | undefined
}

/** Runs a copy of the script with stand-ins, its paths relative to the caller's folder. */
async function gpu(changed: Tools = {}, paths: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-gpu-'))
  folders.push(folder)
  for (const [path, script] of Object.entries({ ...tools, ...changed })) {
    if (script === undefined) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `#!/usr/bin/env bash\n${script}\n`)
    chmodSync(join(folder, path), 0o755)
  }
  for (const path of ['project/bench', 'ort', 'cases']) mkdirSync(join(folder, path), { recursive: true })
  writeFileSync(join(folder, 'model.onnx'), '')
  writeFileSync(join(folder, 'ort/libonnxruntime.so.1'), '')
  for (const [name, text] of Object.entries(cases)) writeFileSync(join(folder, 'cases', name), text)
  const bench = join(import.meta.dirname, '../../bench')
  copyFileSync(join(bench, 'gpu.sh'), join(folder, 'project/bench/gpu.sh'))
  cpSync(join(bench, 'gpu'), join(folder, 'project/bench/gpu'), { recursive: true })
  const env = {
    PATH: `${folder}/bin:/usr/bin:/bin`,
    SESS_GPU_BUILD: 'build',
    SESS_GPU_CASES: 'cases',
    SESS_GPU_MODEL: 'model.onnx',
    SESS_ORT_CUDA_DIR: 'ort',
    ...paths,
  }
  const [status, stdout] = await new Promise<[number, string]>((resolve) => {
    const child = execFile('bash', ['project/bench/gpu.sh'], { cwd: folder, env }, (_, out) =>
      resolve([child.exitCode ?? -1, out]),
    )
  })
  const rows = stdout.matchAll(/^(.{52}) (ok|FAILED|skipped) +(.*)$/gm)
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
    const counted = 'ok: 160000 bytes up, of a photo of 150000; 210000 bytes down, of a map of 200000'
    expect(steps['copies counted']).toBe(counted)
    expect(steps['pyramid and gather of 12 megapixels']).toBe('ok: 85.0 % of the copy, at least 80')
    expect(steps['native speed, fp32, copies counted']).toBe(counted)
    expect(steps['native speed.fp16, fp16, copies counted']).toBe(counted)
    expect(steps['native golden, tf32']).toMatch(/^ok: 0\.9999 of the pixels within 1e-3, mean 2e-06, largest 0\.002/)
    expect(steps['native speed, tf32, over the bare model']).toBe(
      'ok: 1.04 x: explain 84 ms, bare 80 ms in batches of 64; at most 1.05',
    )
    expect(Object.keys(steps).filter((step) => step.startsWith('native golden'))).toHaveLength(2)
    expect(results).toMatchObject({ native_end_to_end: new Array(5).fill({ case: 'speed', ratio: 1.04 }) })
    expect(steps['goldens on the device']).toBe('ok: 30 passed, 0 skipped')
    expect(results).toMatchObject({ native: { device: 'a GPU' }, model_tf32: { largest_difference: 1e-6 } })
    for (const precision of ['fp32', 'tf32', 'fp16']) {
      expect(results?.[`explain_${precision}`]).toEqual(JSON.parse(overBare))
      expect(steps[`explain over the bare model, ${precision}`]).toBe(
        'ok: 1.03 x: explain 82.4 ms, bare 80 ms in batches of 64; at most 1.05; top-1: 1.1 x',
      )
    }
    expect(status).toBe(0)
  })

  it('asks a profiler where no library counts copies', async () => {
    const { steps } = await gpu({ 'build/native/bench/gpu/libcount_copies.so': undefined })
    expect(steps['copies counted']).toBe('ok: 51200000 bytes up, 1100000 down (most: 2262144)')
    expect(steps['native speed, fp32, copies counted']).toMatch(/^skipped/)
  })

  it('goes without Node', async () => {
    const { status, steps } = await gpu({ 'project/node_modules/.package-lock.json': undefined })
    expect(steps['end to end']).toBe('skipped: there is no node, or no node_modules')
    expect(steps['native speed, fp32']).toMatch(/^ok: .*; 12 photos\/s, 1450 windows\/s$/)
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
    expect(status).toBe(77)
  })

  it.each(['SESS_GPU_BUILD', 'SESS_GPU_CASES', 'SESS_GPU_MODEL', 'SESS_ORT_CUDA_DIR', 'TMPDIR'])(
    'begins nothing where %s names nothing',
    async (variable) => {
      expect(await gpu({}, { [variable]: '/nowhere' })).toEqual({ status: 2, steps: {}, results: undefined })
    },
  )

  it('keeps what was found where it is stopped', async () => {
    const { status, steps, results } = await gpu({
      'build/native/bench/gpu/gpu_model': 'kill -TERM $(ps -o ppid= $PPID)',
    })
    expect(steps['native benchmark']).toMatch(/^ok/)
    expect(status).not.toBe(0)
    expect(results).toMatchObject({ native: { device: 'a GPU' }, steps: expect.arrayContaining([]) })
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
    [
      'pyramid and gather of 12 megapixels',
      'they are far from the copy',
      { 'build/native/bench/gpu/gpu_bench': print(benchmark.replace('0.85}', '0.79}')) },
    ],
    ['pyramid and gather of 12 megapixels', 'no share is told', { 'build/native/bench/gpu/gpu_bench': 'echo {}' }],
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
    ['explain over the bare model, fp32', 'it takes longer', counting('"ratio": 1.03', '"ratio": 1.051')],
    ['explain over the bare model, tf32', 'no ratio is told', counting('"ratio": 1.03', '"ratio": null')],
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
    ['native golden, tf32', 'maps are apart', explaining('[[ $* != *tf32* ]]')],
    ['native speed.fp16, fp16', 'it prints nothing', { 'build/native/bench/gpu/gpu_explain': 'exit 0' }],
    ['native speed, fp32, over the bare model', 'it takes longer', explaining('', explained.replace('true', 'false'))],
    ['native speed, fp32, memory flat', 'memory grows', explaining('', explained.replace('last": 9', 'last": 8'))],
    ['native speed, fp32, memory flat', 'no memory is told', explaining('', explained.replace('free_after_last', ''))],
    [
      'native speed, fp32, copies counted',
      'nothing is counted',
      { 'build/native/bench/gpu/gpu_explain': print(explained) },
    ],
    ['copies counted', 'patches go up', counting('+ 160000', '+ 600000')],
    ['copies counted', 'no photo goes up', counting('+ 160000', '+ 1600')],
    ['copies counted', 'more comes down than a map', counting('(210000', '(600000')],
    ['copies counted', 'records are lost', counting('"lost": 0', '"lost": 3')],
    ['copies counted', 'a profiler sees nothing', profiling(/^\d.*\n/gm, '')],
    ['copies counted', 'a profiler sees more than a map come down', profiling('1.1,', '9.9,')],
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
