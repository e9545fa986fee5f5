import type { NodeProto } from 'onnx-buf'
import { floatAttribute, intAttribute, intsAttribute } from '../../../../src/onnx/messages.ts'
import { at, broadcastAt, broadcastDims, build, count, type Doubles, map } from './arrays.ts'

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

const REDUCTIONS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  ReduceL1: (values) => sum(values.map(Math.abs)),
  ReduceL2: (values) => Math.sqrt(sum(values.map((v) => v * v))),
  ReduceLogSumExp: (values) => Math.log(sum(values.map(Math.exp))),
  ReduceMax: (values) => Math.max(...values),
  ReduceMean: (values) => sum(values) / values.length,
  ReduceMin: (values) => Math.min(...values),
  ReduceProd: (values) => values.reduce((a, b) => a * b, 1),
  ReduceSum: sum,
  ReduceSumSquare: (values) => sum(values.map((v) => v * v)),
}

function reduce(node: NodeProto, [x, axesInput]: readonly Doubles[]): Doubles | undefined {
  const value = REDUCTIONS[node.opType]
  if (x === undefined || value === undefined) return undefined
  const rank = x.dims.length
  const given = intsAttribute(node, 'axes') ?? (axesInput === undefined ? x.dims.keys() : axesInput.data)
  const axes = new Set(Array.from(given, (axis) => (axis + rank) % rank))
  const kept = x.dims.map((length, axis) => (axes.has(axis) ? 1 : length))
  const inside = x.dims.map((length, axis) => (axes.has(axis) ? length : 1))
  const result = build(kept, (index) => {
    const place = [...index]
    return value(
      Array.from(
        build(inside, (within) =>
          at(
            x,
            place.map((i, k) => i + (within[k] ?? 0)),
          ),
        ).data,
      ),
    )
  })
  const keeps = intAttribute(node, 'keepdims', 1) === 1
  return { dims: keeps ? kept : x.dims.filter((_, axis) => !axes.has(axis)), data: result.data }
}

/** The array cut into runs of `length` neighbouring numbers, each mapped to as many. */
function byRun(
  x: Doubles,
  length: number,
  value: (run: readonly number[], which: number) => readonly number[],
): Doubles {
  const data = Float64Array.from(
    Array.from({ length: x.data.length / length }, (_, i) =>
      value(Array.from(x.data.subarray(i * length, (i + 1) * length)), i),
    ).flat(),
  )
  return { dims: x.dims, data }
}

function standardised(run: readonly number[], epsilon: number): readonly number[] {
  const mean = sum(run) / run.length
  const variance = sum(run.map((v) => (v - mean) ** 2)) / run.length
  return run.map((v) => (v - mean) / Math.sqrt(variance + epsilon))
}

function softmax(node: NodeProto, [x]: readonly Doubles[], opset: number): Doubles | undefined {
  if (x === undefined) return undefined
  const rank = x.dims.length
  const axis = (intAttribute(node, 'axis', opset < 13 ? 1 : -1) + rank) % rank
  const isLog = node.opType === 'LogSoftmax'
  const run = (values: readonly number[]): readonly number[] => {
    const total = sum(values.map(Math.exp))
    return values.map((v) => (isLog ? v - Math.log(total) : Math.exp(v) / total))
  }
  // Before operator set 13 everything from the axis on is one distribution
  if (opset < 13) return byRun(x, count(x.dims.slice(axis)), run)
  return build(x.dims, (index) => {
    const values = Array.from({ length: x.dims[axis] ?? 1 }, (_, i) =>
      at(
        x,
        index.map((k, a) => (a === axis ? i : k)),
      ),
    )
    return run(values)[index[axis] ?? 0] ?? Number.NaN
  })
}

/** `x scale + bias` per channel. */
function perChannel(x: Doubles, scale: Doubles | undefined, bias: Doubles | undefined): Doubles {
  return build(x.dims, (index) => at(x, index) * (scale?.data[index[1] ?? 0] ?? 1) + (bias?.data[index[1] ?? 0] ?? 0))
}

function batchNormalization(
  node: NodeProto,
  [x, scale, bias, mean, variance]: readonly Doubles[],
): Doubles | undefined {
  if (x === undefined || mean === undefined || variance === undefined) return undefined
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const centred = perChannel(
    x,
    undefined,
    map(mean, (m) => -m),
  )
  return perChannel(
    perChannel(
      centred,
      map(variance, (v) => 1 / Math.sqrt(v + epsilon)),
      undefined,
    ),
    scale,
    bias,
  )
}

function groupNormalization(node: NodeProto, [x, scale, bias]: readonly Doubles[], opset: number): Doubles | undefined {
  if (x === undefined) return undefined
  const [, channels = 1, ...pixels] = x.dims
  const groups = node.opType === 'InstanceNormalization' ? channels : intAttribute(node, 'num_groups', 1)
  const each = channels / groups
  const y = byRun(x, each * count(pixels), (run) => standardised(run, floatAttribute(node, 'epsilon', 1e-5)))
  const isPerGroup = node.opType === 'GroupNormalization' && opset < 21
  const spread = (values: Doubles | undefined): Doubles | undefined =>
    values === undefined || !isPerGroup
      ? values
      : build([channels], ([c = 0]) => values.data[Math.floor(c / each)] ?? Number.NaN)
  return perChannel(y, spread(scale), spread(bias))
}

function layerNormalization(node: NodeProto, [x, scale, bias]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined) return undefined
  const axis = (intAttribute(node, 'axis', -1) + x.dims.length) % x.dims.length
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const y = byRun(x, count(x.dims.slice(axis)), (run) => standardised(run, epsilon))
  return build(
    x.dims,
    (index) =>
      at(y, index) * (scale === undefined ? 1 : broadcastAt(scale, index)) +
      (bias === undefined ? 0 : broadcastAt(bias, index)),
  )
}

function lrn(node: NodeProto, [x]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined) return undefined
  const size = intAttribute(node, 'size', 1)
  const [alpha, beta, bias] = [
    floatAttribute(node, 'alpha', 1e-4),
    floatAttribute(node, 'beta', 0.75),
    floatAttribute(node, 'bias', 1),
  ]
  return build(x.dims, (index) => {
    const channel = index[1] ?? 0
    const first = Math.max(0, channel - Math.floor((size - 1) / 2))
    const last = Math.min((x.dims[1] ?? 1) - 1, channel + Math.ceil((size - 1) / 2))
    let squares = 0
    for (let c = first; c <= last; c++)
      squares +=
        at(
          x,
          index.map((k, axis) => (axis === 1 ? c : k)),
        ) ** 2
    return at(x, index) / (bias + (alpha / size) * squares) ** beta
  })
}

function lpNormalization(node: NodeProto, [x]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined) return undefined
  const axis = (intAttribute(node, 'axis', -1) + x.dims.length) % x.dims.length
  const p = intAttribute(node, 'p', 2)
  return build(x.dims, (index) => {
    const length = x.dims[axis] ?? 1
    const powers = Array.from(
      { length },
      (_, i) =>
        Math.abs(
          at(
            x,
            index.map((k, a) => (a === axis ? i : k)),
          ),
        ) ** p,
    )
    return at(x, index) / sum(powers) ** (1 / p)
  })
}

function matMul([a, b]: readonly Doubles[]): Doubles | undefined {
  if (a === undefined || b === undefined) return undefined
  const inner = a.dims.at(-1) ?? 1
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2))
  return build([...batch, a.dims.at(-2) ?? 1, b.dims.at(-1) ?? 1], (index) => {
    const lead = index.slice(0, -2)
    const [i = 0, j = 0] = index.slice(-2)
    let total = 0
    for (let k = 0; k < inner; k++) total += broadcastAt(a, [...lead, i, k]) * broadcastAt(b, [...lead, k, j])
    return total
  })
}

function gemm(node: NodeProto, [a, b, c]: readonly Doubles[]): Doubles | undefined {
  if (a === undefined || b === undefined) return undefined
  const flip = (x: Doubles): Doubles => build([...x.dims].reverse(), (index) => at(x, [...index].reverse()))
  const isFlipped = (name: string): boolean => intAttribute(node, name, 0) !== 0
  const product = matMul([isFlipped('transA') ? flip(a) : a, isFlipped('transB') ? flip(b) : b])
  if (product === undefined) return undefined
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)]
  return build(
    product.dims,
    (index) => alpha * at(product, index) + (c === undefined ? 0 : beta * broadcastAt(c, index)),
  )
}

type Operator = (node: NodeProto, inputs: readonly Doubles[], opset: number) => Doubles | undefined

const SUMS: Readonly<Record<string, Operator>> = {
  BatchNormalization: batchNormalization,
  Gemm: gemm,
  GroupNormalization: groupNormalization,
  InstanceNormalization: groupNormalization,
  LayerNormalization: layerNormalization,
  LogSoftmax: softmax,
  LpNormalization: lpNormalization,
  LRN: lrn,
  MatMul: (_, inputs) => matMul(inputs),
  Softmax: softmax,
}

/** Reductions, norms, softmax and matrix products; undefined for other operators. */
export function sums(node: NodeProto, inputs: readonly Doubles[], opset: number): Doubles | undefined {
  return (SUMS[node.opType] ?? reduce)(node, inputs, opset)
}
