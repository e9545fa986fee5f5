import { toBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, ModelProtoSchema, type NodeProto, NodeProtoSchema, TensorProto_DataType } from 'onnx-buf'
import { buildGradients } from '../../../src/onnx/grad/build.ts'
import { Emitter } from '../../../src/onnx/grad/emitter.ts'
import { expand, tensorGradient } from '../../../src/onnx/grad/gradient.ts'
import { readGraph } from '../../../src/onnx/graph.ts'
import { makeValueInfo, revise } from '../../../src/onnx/messages.ts'
import { probeBatchedShapes } from '../../../src/onnx/shapes.ts'
import type { FloatType } from '../../../src/onnx/tensors.ts'
import { buildModel, type ModelSpec, size, uniform } from '../models.ts'
import { probe, run, withSession } from '../ort.ts'
import { withoutKernel } from './kernels.ts'

export interface DifferenceCase extends ModelSpec {
  /** Shape of the input `x` without its batch. */
  readonly x: readonly number[]
  /** Step of the differences; large where the operator is (piecewise) linear. */
  readonly step?: number
  /** Values of `x`; by default a shuffled grid with gaps far over twice the step, none at a kink. */
  readonly values?: (index: number, next: () => number) => number
  /**
   * y of x (both row-major, with their batch) as plain loops in double precision, where ONNX Runtime computes the
   * operator in float32 alone. The differences are then taken of it, and ONNX Runtime's y has to equal it.
   */
  readonly forward?: (x: readonly number[]) => readonly number[]
}

type Numbers = Float32Array | Float64Array

const IMAGES = 2
const DIRECTIONS = 6

/**
 * The largest difference between `<gradient, v>` and the central difference of `sum(r * y)` along random directions
 * v, relative to the largest of them. y is the last node's first output, r random.
 */
export async function gradientError(test: DifferenceCase): Promise<number> {
  const step = test.step ?? 2 ** -6
  const model = await gradientModel(test)
  const next = uniform(7)
  const dims = [IMAGES, ...test.x]
  const count = size(dims)
  const value = test.values ?? gridValues(count)
  const x = Array.from({ length: count }, (_, i) => value(i, next))
  const seedDims = [IMAGES, ...model.outputDims]
  const seed = Array.from({ length: size(seedDims) }, next)
  return await withSession(model, async (evaluate) => {
    const at = async (place: readonly number[], output: string): Promise<readonly number[]> => {
      const out = await evaluate({
        x: { data: floats(place, test.type), dims },
        seed: { data: floats(seed, test.type), dims: seedDims },
      })
      return Array.from(out[output]?.data ?? [], Number)
    }
    const forward = test.forward ?? ((place: readonly number[]) => at(place, model.y))
    if (test.forward !== undefined) compare(await at(x, model.y), test.forward(x))
    const dx = await at(x, model.dx)
    if (dx.length !== count) throw new Error(`the gradient has ${dx.length} numbers, not ${count}`)
    let worst = 0
    let largest = 0
    for (let d = 0; d < DIRECTIONS; d++) {
      const v = Array.from({ length: count }, () => Math.round(next() * 8) / 8)
      const above = await forward(x.map((a, i) => a + step * (v[i] ?? 0)))
      const below = await forward(x.map((a, i) => a - step * (v[i] ?? 0)))
      const numeric = dot(
        seed,
        above.map((a, i) => (a - (below[i] ?? 0)) / (2 * step)),
      )
      worst = Math.max(worst, Math.abs(numeric - dot(dx, v)))
      largest = Math.max(largest, Math.abs(numeric))
    }
    if (largest === 0) throw new Error('every difference is 0: the case proves nothing')
    return worst / largest
  })
}

/** The gradient at `x` (row-major, any number of images) where the gradient at y is `seed`. */
export async function gradientAt(
  test: DifferenceCase,
  x: readonly number[],
  seed: readonly number[],
): Promise<readonly number[]> {
  const model = await gradientModel(test)
  const images = x.length / size(test.x)
  const out = await run(model, {
    x: { data: floats(x, test.type), dims: [images, ...test.x] },
    seed: { data: floats(seed, test.type), dims: [images, ...model.outputDims] },
  })
  return Array.from(out[model.dx]?.data ?? [], Number)
}

function compare(y: readonly number[], expected: readonly number[]): void {
  const off = expected.findIndex((value, i) => !(Math.abs(value - (y[i] ?? Number.NaN)) < 1e-5 * (1 + Math.abs(value))))
  if (off >= 0 || y.length !== expected.length)
    throw new Error(`y[${off}] is ${y[off]}, the plain loop says ${expected[off]}`)
}

/** A shuffled grid around 0 with a gap of 1/8, half a gap away from 0. */
function gridValues(count: number): (index: number) => number {
  const next = uniform(3)
  const order = Array.from({ length: count }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key)
  const grid = order.map(({ i }) => (i - Math.floor(count / 2)) / 8 + 1 / 16)
  return (index) => grid[index] ?? 0
}

export function floats(values: readonly number[], type: FloatType | undefined): Numbers {
  return type === TensorProto_DataType.DOUBLE ? Float64Array.from(values) : Float32Array.from(values)
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
}

/**
 * The case's graph with an input `seed` (the gradient at y) and the gradient at x as second output. Throws where a node
 * of the gradient is not known to have a kernel on CUDA.
 */
export async function gradientModel(test: DifferenceCase) {
  const model = await anyGradientModel(test)
  const lacking = withoutKernel(model.bytes, model.nodes)
  if (lacking.length > 0) {
    const what = `no kernel known on CUDA: ${lacking.join(', ')}`
    throw new Error(`${what}. Where the provider has one, bench/placement/kernels.mjs puts it on the list.`)
  }
  return model
}

/** The same, in operator sets too that the list of kernels does not have. */
export async function anyGradientModel(test: DifferenceCase) {
  const type = test.type ?? TensorProto_DataType.FLOAT
  const proto = buildModel({ ...test, input: { dims: ['n', ...test.x] } })
  const graph = readGraph({ name: 'test', proto, externalFolder: undefined })
  const shapes = await probeBatchedShapes(graph, { name: 'x', dims: test.x, type }, probe)
  const y = test.outputs?.[0] ?? test.nodes.at(-1)?.output[0] ?? ''
  const yDims = shapes.get(y)?.dims
  if (yDims === undefined) throw new Error(`no shape of ${y}`)
  const emitter = new Emitter({ opset: graph.opset, floatType: type, taken: (name) => graph.producers.has(name) })
  const extraOutputs = new Map<NodeProto, Map<number, string>>()
  const seed = { tensor: y, gradient: tensorGradient('seed', yDims) }
  const gradient = buildGradients({
    graph,
    shapes,
    emitter,
    seed,
    tensors: ['x'],
    passing: 'plain',
    extraOutputs,
  }).get('x')
  if (gradient === undefined) throw new Error('no gradient at x')
  const dx = expand(emitter, gradient, [{ batch: 1 }, ...test.x]).name
  const forward = graph.nodes.map((node) => {
    const extra = extraOutputs.get(node)
    if (extra === undefined) return node
    const length = Math.max(node.output.length, ...[...extra.keys()].map((index) => index + 1))
    const output = Array.from({ length }, (_, i) => extra.get(i) ?? node.output[i] ?? '')
    return revise(NodeProtoSchema, node, { output })
  })
  const outputDims = yDims.slice(1).map(Number)
  const whole = revise(GraphProtoSchema, proto.graph ?? buildGraph(), {
    node: [...forward, ...emitter.nodes],
    initializer: [...(proto.graph?.initializer ?? []), ...emitter.constants],
    input: [makeValueInfo('x', type, ['n', ...test.x]), makeValueInfo('seed', type, ['n', ...outputDims])],
    output: [makeValueInfo(y, type), makeValueInfo(dx, type)],
  })
  const bytes = toBinary(ModelProtoSchema, revise(ModelProtoSchema, proto, { graph: whole }))
  return { bytes, y, dx, outputDims, nodes: emitter.nodes }
}

function buildGraph(): never {
  throw new Error('the model has no graph')
}
