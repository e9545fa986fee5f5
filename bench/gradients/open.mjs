/** A classifier's graph and the graphs built from it, open in ONNX Runtime on the CPU. */

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataType } from 'onnx-buf'
import { Session, Stream, Tensor } from '../../dist/native.js'
import { loadClassifier } from '../../dist/onnx/classifier.js'
import { buildGradientModel } from '../../dist/onnx/gradient-model.js'
import { makeValueInfo } from '../../dist/onnx/messages.js'

/** @returns {Promise<import('../../dist/onnx/classifier.js').ClassifierGraph>} */
export async function openClassifier(device, path) {
  return await loadClassifier({ path }, {}, async (model, externalFolder) => {
    const session = await openSession(device, { encode: () => model, externalFolder }, 1, 'none')
    const { outputs } = session
    session.dispose()
    return outputs
  })
}

export async function openSession(device, { encode, externalFolder }, threads, optimization = 'all') {
  const folder = externalFolder === undefined ? {} : { externalFolder }
  return await Session.open(device, { model: encode(), ...folder, threads, optimization })
}

/** Lengths of a tensor per image. */
export function lengthsOf(classifier, tensor) {
  return classifier.shapes.get(tensor).dims.slice(1)
}

/** One run of a model; `lengths`: of each output per image. Gives the outputs' numbers, in that order. */
async function runOnce(device, { height, width, layout }, model, { images, rows, threads, inputs, lengths }) {
  const session = await openSession(device, model, threads)
  const stream = new Stream(device)
  const shape = layout === 'NCHW' ? [rows, 3, height, width] : [rows, height, width, 3]
  const given = { [model.inputName]: Tensor.wrap(device, images, shape), ...inputs }
  const names = Object.keys(lengths)
  const outputs = names.map((name) => [name, new Tensor(device, 'float32', [rows, ...lengths[name]])])
  await session.run(stream, { inputs: given, outputs: Object.fromEntries(outputs), rows })
  const results = outputs.map(([, tensor]) => tensor.read())
  for (const tensor of [...Object.values(given), ...outputs.map(([, tensor]) => tensor)]) tensor.dispose()
  stream.dispose()
  session.dispose()
  return results
}

/** The gradient graph of each image's class at `tensors`, and what to bind to run it. */
function gradientRun(device, classifier, { tensors, classes }) {
  const model = buildGradientModel(classifier, { seeds: ['class'], tensors })
  const [{ classes: target }] = model.seeds
  const [names] = model.gradients
  const inputs = { [target]: Tensor.wrap(device, BigInt64Array.from(classes, BigInt), [classes.length]) }
  const lengths = { [model.logits]: [classifier.classes] }
  for (const [i, name] of names.entries()) lengths[name] = lengthsOf(classifier, tensors[i])
  return { model, names, inputs, lengths, rows: classes.length }
}

/** Gradients of each image's class (-1: its argmax) at `tensors`, and the number of nodes added. */
export async function runGradients(device, classifier, { tensors, images, classes, threads }) {
  const { model, names, inputs, lengths, rows } = gradientRun(device, classifier, { tensors, classes })
  const results = await runOnce(device, classifier, model, { images, rows, threads, inputs, lengths })
  const order = Object.keys(lengths)
  return { added: model.added.length, gradients: names.map((name) => results[order.indexOf(name)]) }
}

/** The values that the model's own tensors `watched` take while the gradients at `tensors` are computed. */
export async function runWatched(device, classifier, { tensors, watched, images, rows, threads }) {
  const classes = new Array(rows).fill(-1)
  const { model, inputs, lengths } = gradientRun(device, classifier, { tensors, classes })
  const proto = fromBinary(ModelProtoSchema, model.encode())
  const outputs = watched.filter((name) => lengths[name] === undefined)
  for (const name of outputs) {
    lengths[name] = lengthsOf(classifier, name)
    proto.graph.output.push(makeValueInfo(name, TensorProto_DataType.FLOAT, ['sess_images', ...lengths[name]]))
  }
  const open = { ...model, encode: () => toBinary(ModelProtoSchema, proto) }
  const results = await runOnce(device, classifier, open, { images, rows, threads, inputs, lengths })
  const order = Object.keys(lengths)
  return watched.map((name) => ({ lengths: lengths[name], data: results[order.indexOf(name)] }))
}
