/**
 * Peak resident memory of an explanation over that of the bare session: both.png, 122 windows against as many windows
 * through onnxruntime-node in batches of 4, each in a process of its own (VmHWM).
 *   node bench/memory.mjs [--model FILE]... [--threads 2] [--json FILE]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { benchArguments, report, shared } from './measure.mjs'

const self = fileURLToPath(import.meta.url)
const photo = shared('golden/images/both.png')
const [, , role, model, threadsText] = process.argv

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

async function runExplain(threads) {
  const { Explainer } = await import('../dist/index.js')
  const explainer = await Explainer.load(model, { threads })
  await explainer.explain(photo, { target: 282 })
  await explainer.dispose()
}

if (role === 'bare' || role === 'explain') {
  await (role === 'bare' ? runBare : runExplain)(Number(threadsText))
  console.log(peakMb())
} else {
  const { models, threads, json } = benchArguments({ models: [shared('models/mobilenet-v1-075-224.onnx')], trials: 1 })
  const measure = (what, file) =>
    Number(execFileSync(process.execPath, [self, what, file, String(threads)], { encoding: 'utf8' }).trim())
  const rows = models.map((file) => {
    const [bare, explain] = [measure('bare', file), measure('explain', file)]
    return { model: file.split('/').at(-1), 'bare MB': bare, 'explain MB': explain, 'above MB': explain - bare }
  })
  report(`peak resident memory, ${threads} threads`, rows, json)
}
