/**
 * Peak resident memory of an explanation over that of the bare session, each in a process of its own (VmHWM): both.png
 * (122 windows), and a 6000 x 4000 photo with step 56, against 122 windows through onnxruntime-node in batches of 4.
 *   node bench/memory.mjs [--model FILE]... [--threads 2] [--json FILE]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchArguments, report, shared } from './measure.mjs'
import { noisePhoto } from './noise-photo.mjs'

const self = fileURLToPath(import.meta.url)
const [, , role, model, threadsText, photoPath, optionsText] = process.argv

const peakMb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024

async function runBare(threads) {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: threads,
    enableMemPattern: false,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  const [name] = session.inputNames
  const window = new Tensor('float32', new Float32Array(4 * 3 * 224 * 224).fill(0.5), [4, 3, 224, 224])
  for (let i = 0; i < 31; i++) await session.run({ [name]: window })
}

async function runExplain(photo, options, threads) {
  const { Explainer } = await import('../dist/index.js')
  const explainer = await Explainer.load(model, { threads })
  await explainer.explain(photo, { target: 282, ...options })
  await explainer.dispose()
}

if (role === 'bare') {
  await runBare(Number(threadsText))
  console.log(peakMb())
} else if (role === 'explain') {
  await runExplain(photoPath, JSON.parse(optionsText), Number(threadsText))
  console.log(peakMb())
} else {
  const { models, threads, json } = benchArguments({ models: [shared('models/mobilenet-v1-075-224.onnx')], trials: 1 })
  const measure = (...args) => Number(execFileSync(process.execPath, [self, ...args], { encoding: 'utf8' }).trim())
  const large = join(mkdtempSync(join(tmpdir(), 'sess-bench-')), 'large.jpg')
  writeFileSync(large, await noisePhoto(6000, 4000))
  const rows = []
  for (const file of models) {
    const bare = measure('bare', file, String(threads))
    for (const [what, photo, options] of [
      ['both.png, 122 windows', shared('golden/images/both.png'), {}],
      ['6000 x 4000, step 56', large, { step: 56 }],
    ]) {
      const explain = measure('explain', file, String(threads), photo, JSON.stringify(options))
      rows.push({ model: basename(file), what, 'bare MB': bare, 'explain MB': explain, 'above MB': explain - bare })
    }
  }
  rmSync(dirname(large), { recursive: true })
  report(`peak resident memory, ${threads} threads`, rows, json)
}
