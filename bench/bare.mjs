/** The bare model: the patches of a plan through the unchanged model, bound to preallocated tensors, nothing else. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { decode } from '../dist/io/decode.js'
import { readClassifier } from '../dist/load.js'
import { resolveModel } from '../dist/models/resolve.js'
import { Device, gather, pyramid, Session, Stream, Tensor } from '../dist/native.js'
import { buildForwardModel } from '../dist/onnx/forward-model.js'
import { inHalf } from '../dist/onnx/half-range.js'
import { bandsOf, largestBand } from '../dist/sess/bands.js'

/** @param {import('../dist/index.js').Explainer} explainer an explainer of the same model, for plan and preprocessing */
export async function openBare(explainer, photoPath, options, threads, precision = 'fp32') {
  const { info } = explainer
  const { type, index = 0 } = info.device
  const device = new Device({ type, index, threads })
  const stream = new Stream(device)
  const session = await openModel(device, info.path, threads, precision)
  const photo = await decode(photoPath)
  const plan = explainer.plan(photo, options)
  const patches = await cutPatches(device, stream, photo, plan, info.preprocessing)
  const output = session.outputs[0].name
  const logits = new Tensor(device, 'float32', [plan.windows.length, info.classes])

  /** One pass over all patches, enqueued at once, for a GPU must not wait between batches; its wall time in ms. */
  async function pass(batches) {
    const start = performance.now()
    await Promise.all(
      batches.map(({ input, rows }) =>
        session.run(stream, { inputs: { [info.input.name]: input }, outputs: { [output]: logits }, rows }),
      ),
    )
    return performance.now() - start
  }
  return { plan, pass, batchesOf: (size) => splitPatches(device, patches, plan.window, size) }
}

/** The file as it is; in float16 as `--precision fp16` rewrites it, without the gradient. */
async function openModel(device, path, threads, precision) {
  const common = { externalFolder: dirname(path), threads, optimization: 'all' }
  if (precision !== 'fp16') {
    return await Session.open(device, { ...common, model: new Uint8Array(readFileSync(path)), precision })
  }
  const model = buildForwardModel(await inHalf(await readClassifier(device, await resolveModel(path), {})))
  return await Session.open(device, { ...common, model: model.encode(), precision: 'fp32' })
}

/** Every window of the plan, preprocessed: N x 3 x h x w floats. */
async function cutPatches(device, stream, photo, plan, preprocessing) {
  const { window } = plan
  const pixels = new Tensor(device, 'uint8', [photo.height, photo.width, 3])
  pixels.write(photo.data)
  const band = new Tensor(device, 'float32', [3 * largestBand(plan.levels, window)])
  const one = new Tensor(device, 'float32', [1, 3, window.height, window.width])
  const patches = new Float32Array((plan.windows.length * one.byteLength) / 4)
  const { channels, scale, bias } = preprocessing
  for (const [level, size] of plan.levels.entries()) {
    const windows = plan.windows.filter((w) => w.level === level)
    for (const { rect, windows: inside } of bandsOf(level, windows, window)) {
      await pyramid(stream, pixels, { level: size, band: rect, filter: 'antialias', channels, scale, bias }, band)
      for (const { index, y, x } of inside) {
        const origins = Int32Array.of(y - rect.y, x - rect.x)
        await gather(stream, band, { band: rect, window, origins, layout: 'NCHW', slot: 0 }, one)
        patches.set(one.read(), index * (one.byteLength / 4))
      }
    }
  }
  return patches
}

function splitPatches(device, patches, window, size) {
  const each = 3 * window.height * window.width
  const count = patches.length / each
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const rows = Math.min(size, count - i * size)
    const input = new Tensor(device, 'float32', [rows, 3, window.height, window.width])
    input.write(patches.subarray(i * size * each, (i * size + rows) * each))
    return { input, rows }
  })
}
