import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, type NodeProto } from 'onnx-buf'
import { rounding } from '../../bench/rounding.mjs'
import type { OpenableModel } from '../../src/onnx/augment.ts'
import { type ClassifierGraph, loadClassifier } from '../../src/onnx/classifier.ts'
import { buildForwardModel } from '../../src/onnx/forward-model.ts'
import { buildGradientModel } from '../../src/onnx/gradient-model.ts'
import { inHalf } from '../../src/onnx/half-range.ts'
import { int64Tensor } from '../../src/onnx/tensors.ts'
import { classes, numbers } from './heads.ts'
import { ints, type ModelSpec, modelBytes, positiveTensor, randomTensor } from './models.ts'
import { probe, run, type Values } from './ort.ts'

/** A classifier in float32 and in float16. */
export async function bothOf(spec: ModelSpec): Promise<readonly [full: ClassifierGraph, half: ClassifierGraph]> {
  const full = await loadClassifier({ bytes: modelBytes(spec) }, {}, probe)
  return [full, await inHalf(full)]
}

/** As a device with float16 would run it, but for the order of sums. */
export async function runRounded(model: OpenableModel, feeds: Readonly<Record<string, Values>>) {
  return await run({ bytes: rounding(model.encode()), externalFolder: model.externalFolder }, feeds)
}

export async function logitsAndGradient(classifier: ClassifierGraph, images: Values) {
  const model = buildGradientModel(classifier, { seeds: ['class'], tensors: [classifier.inputName] })
  const [rows = 1] = images.dims
  const feeds = { x: images, [model.seeds[0]?.classes ?? '']: classes(...new Array<number>(rows).fill(1)) }
  await run(model, feeds) // types hold without the Casts of `rounding` too
  const out = await runRounded(model, feeds)
  return { logits: numbers(out[model.logits]), gradient: numbers(out[model.gradients[0]?.[0] ?? '']) }
}

export async function logitsOf(classifier: ClassifierGraph, images: Values) {
  const model = buildForwardModel(classifier)
  await run(model, { x: images })
  return numbers((await runRounded(model, { x: images }))[model.logits])
}

export function nodesOf(model: OpenableModel): readonly NodeProto[] {
  return fromBinary(ModelProtoSchema, model.encode()).graph?.node ?? []
}

/** Operators that read a float16 tensor which is theirs. */
export function inFloat16(model: OpenableModel): ReadonlySet<string> {
  const nodes = nodesOf(model).filter(({ opType }) => opType !== 'Cast')
  return new Set(nodes.filter(({ input }) => input.some((name) => name.startsWith('sess_half_'))).map((n) => n.opType))
}

export function relativeError(got: readonly number[], expected: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs))
  return Math.max(...got.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)))) / largest
}

export const WEIGHTS = [
  randomTensor('w', [8, 3, 3, 3]),
  randomTensor('w2', [8, 8, 3, 3]),
  randomTensor('b', [8]),
  positiveTensor('gamma', [8]),
  randomTensor('beta', [8]),
  randomTensor('fc', [8, 5]),
  randomTensor('proj', [8, 8]),
  int64Tensor('zero', [0], [1]),
  int64Tensor('rest', [-1], [1]),
]
export const same = { pads: ints(1, 1, 1, 1) }
/** A residual block under a smooth activation, a pool, and a shape that the graph computes. */
