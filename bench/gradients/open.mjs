/** A classifier's graph and its gradient graph, open in ONNX Runtime on the CPU. */

import { Device, Session, Stream, Tensor } from '../../dist/native.js'
import { loadClassifier } from '../../dist/onnx/classifier.js'
import { buildGradientModel } from '../../dist/onnx/gradient-model.js'

/** @param {Device} device @returns {Promise<import('../../dist/onnx/classifier.js').ClassifierGraph>} */
export async function openClassifier(device, path, overrides = {}) {
  return await loadClassifier({ path }, overrides, async (model, externalFolder) => {
    const session = await openSession(device, { bytes: model, externalFolder }, 1, 'none')
    const { outputs } = session
    session.dispose()
    return outputs
  })
}

export async function openSession(device, { bytes, externalFolder }, threads, optimization = 'all') {
  const folder = externalFolder === undefined ? {} : { externalFolder }
  return await Session.open(device, { model: bytes, ...folder, threads, optimization })
}

/** Lengths of a tensor per image. */
export function lengthsOf(classifier, tensor) {
  return classifier.shapes.get(tensor).dims.slice(1)
}

/** Logits and gradients of each image's class (-1: its argmax) at `tensors`, one run. */
export async function runGradients(device, classifier, { tensors, images, classes, threads }) {
  const model = buildGradientModel(classifier, { seeds: ['class'], tensors })
  const session = await openSession(device, model, threads)
  const stream = new Stream(device)
  const rows = classes.length
  const { height, width, layout } = classifier
  const shape = layout === 'NCHW' ? [rows, 3, height, width] : [rows, height, width, 3]
  const [{ classes: target }] = model.seeds
  const inputs = {
    [model.inputName]: Tensor.wrap(device, images, shape),
    [target]: Tensor.wrap(device, BigInt64Array.from(classes, BigInt), [rows]),
  }
  const [names] = model.gradients
  const outputs = { [model.logits]: new Tensor(device, 'float32', [rows, classifier.classes]) }
  for (const [i, name] of names.entries()) {
    outputs[name] = new Tensor(device, 'float32', [rows, ...lengthsOf(classifier, tensors[i])])
  }
  await session.run(stream, { inputs, outputs, rows })
  const result = {
    added: model.added.length,
    logits: outputs[model.logits].read(),
    gradients: names.map((name) => outputs[name].read()),
  }
  for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.dispose()
  stream.dispose()
  session.dispose()
  return result
}
