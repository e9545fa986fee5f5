import { float, int, ints, string } from '../../models.ts'
import type { Site } from './site.ts'

type Recipe = (site: Site) => void

/** One axis but the batch. */
function anyAxis(site: Site): number {
  site.require(site.x.dims.length > 1)
  return 1 + site.choose(site.x.dims.length - 1)
}

const length = (site: Site, axis: number): number => site.x.dims[axis] ?? 1

/** Axes as an attribute before operator set `since`, as an input from it on. */
function withAxes(site: Site, opType: string, axes: readonly number[], since: number, rest = {}): void {
  if (site.opset < since) site.add(opType, [site.x.name], { axes: ints(...axes), ...rest })
  else site.add(opType, [site.x.name, site.ints(...axes)], rest)
}

const REDUCTIONS = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare']

const reduce =
  (opType: string): Recipe =>
  (site) => {
    const axes = [...new Set([anyAxis(site), anyAxis(site)])].sort()
    withAxes(site, opType, axes, opType === 'ReduceSum' ? 13 : 18, { keepdims: int(site.choose(2)) })
  }

const softmax =
  (opType: string): Recipe =>
  (site) => {
    site.add(opType, [site.x.name], { axis: int(anyAxis(site)) })
  }

const lpNormalization: Recipe = (site) => {
  site.add('LpNormalization', [site.x.name], { axis: int(anyAxis(site)), p: int(1 + site.choose(2)) })
}

const layerNormalization: Recipe = (site) => {
  site.since(17)
  const axis = anyAxis(site)
  const shape = site.x.dims.slice(axis)
  const parameters = [site.constant(shape), site.constant(shape)].slice(0, 1 + site.choose(2))
  site.add('LayerNormalization', [site.x.name, ...parameters], { axis: int(axis), epsilon: float(1e-2) })
}

const concat: Recipe = (site) => {
  const axis = anyAxis(site)
  const { dims } = site.x
  const other = site.other(
    (tensor) => tensor.dims.length === dims.length && tensor.dims.every((d, i) => i === axis || d === dims[i]),
  )
  const inputs = [site.x.name, other.name]
  site.add('Concat', site.choose(2) === 0 ? inputs : inputs.reverse(), { axis: int(axis) })
}

const split: Recipe = (site) => {
  const axis = anyAxis(site)
  site.require(length(site, axis) > 1)
  const first = 1 + site.choose(length(site, axis) - 1)
  const parts = [first, length(site, axis) - first]
  if (site.opset < 13) site.emit('Split', [site.x.name], { axis: int(axis), split: ints(...parts) }, 2)
  else site.emit('Split', [site.x.name, site.ints(...parts)], { axis: int(axis) }, 2)
}

const slice: Recipe = (site) => {
  const axis = anyAxis(site)
  const start = site.choose(length(site, axis))
  const end = site.pick(length(site, axis), 1000, -1, start + 1)
  if (site.opset < 10) {
    site.add('Slice', [site.x.name], { axes: ints(axis), starts: ints(start), ends: ints(end) })
    return
  }
  const isReversed = site.choose(3) === 2
  const step = isReversed ? -1 : 1 + site.choose(2)
  const bounds = isReversed ? [site.ints(-1), site.ints(-1000)] : [site.ints(start), site.ints(end)]
  site.add('Slice', [site.x.name, ...bounds, site.ints(axis), site.ints(step)])
}

const pad: Recipe = (site) => {
  const { dims, name } = site.x
  const mode = site.pick('constant', 'reflect', 'edge', 'wrap')
  if (mode === 'wrap') site.since(19)
  const side = () => dims.map((d, axis) => (axis === 0 ? 0 : site.choose(Math.min(3, mode === 'constant' ? 3 : d))))
  const pads = [...side(), ...side()]
  const value = mode === 'constant' ? 0.75 : 0
  if (site.opset < 11) site.add('Pad', [name], { mode: string(mode), pads: ints(...pads), value: float(value) })
  else site.add('Pad', [name, site.ints(...pads), site.floats([value], [])], { mode: string(mode) })
}

const reshape: Recipe = (site) => {
  const { dims, name } = site.x
  const axis = anyAxis(site)
  const merged = [0, ...dims.slice(1, axis), -1, ...dims.slice(axis + 2)]
  const parted = [0, ...dims.slice(1, axis), 2, length(site, axis) / 2, ...dims.slice(axis + 1)]
  const isEven = length(site, axis) % 2 === 0
  const shape = site.pick(merged, isEven && dims.length < 5 ? parted : merged, [-1, ...[...dims.slice(1)].reverse()])
  site.add('Reshape', [name, site.ints(...shape)])
}

const flatten: Recipe = (site) => {
  site.add('Flatten', [site.x.name], { axis: int(1) })
}

const squeeze: Recipe = (site) => {
  const axes = site.x.dims.flatMap((d, axis) => (axis > 0 && d === 1 ? [axis] : []))
  site.require(axes.length > 0)
  withAxes(site, 'Squeeze', axes.slice(0, 1 + site.choose(axes.length)), 13)
}

const unsqueeze: Recipe = (site) => {
  site.require(site.x.dims.length < 5)
  withAxes(site, 'Unsqueeze', [1 + site.choose(site.x.dims.length)], 13)
}

const transpose: Recipe = (site) => {
  const axes = site.x.dims.map((_, axis) => axis).slice(1)
  const perm = [0]
  while (axes.length > 0) perm.push(...axes.splice(site.choose(axes.length), 1))
  site.add('Transpose', [site.x.name], { perm: ints(...perm) })
}

const expand: Recipe = (site) => {
  site.since(8)
  const axis = anyAxis(site)
  site.require(length(site, axis) === 1)
  const shape = site.x.dims.map((_, i) => (i === axis ? 2 + site.choose(2) : 1))
  site.add('Expand', [site.x.name, site.ints(...shape)])
}

const tile: Recipe = (site) => {
  const axis = anyAxis(site)
  site.add('Tile', [site.x.name, site.ints(...site.x.dims.map((_, i) => (i === axis ? 2 : 1)))])
}

const gather: Recipe = (site) => {
  const axis = anyAxis(site)
  const place = (): number => site.choose(length(site, axis))
  const places = [place(), place(), place()].slice(0, 1 + site.choose(3))
  site.add('Gather', [site.x.name, site.ints(...places)], { axis: int(axis) })
}

const matMul: Recipe = (site) => {
  const inner = site.x.dims.at(-1) ?? 1
  site.require(site.x.dims.length > 1)
  site.add('MatMul', [site.x.name, site.constant([inner, 1 + site.choose(4)])])
}

const gemm: Recipe = (site) => {
  const { name, dims } = site.x.dims.length === 2 ? site.x : site.add('Flatten', [site.x.name], { axis: int(1) })
  const [, inner = 1] = dims
  const outer = 1 + site.choose(4)
  const isFlipped = site.choose(2)
  const weights = site.constant(isFlipped === 1 ? [outer, inner] : [inner, outer])
  site.add('Gemm', [name, weights, site.constant([outer])], {
    transB: int(isFlipped),
    alpha: float(site.pick(1, 0.5)),
    beta: float(site.pick(1, 2)),
  })
}

/** Pixels as a sequence of tokens, channels last. */
function tokens(site: Site): { readonly name: string; readonly width: number } {
  const [, first = 1, ...rest] = site.x.dims
  if (rest.length === 1) return { name: site.x.name, width: rest[0] ?? 1 }
  site.require(rest.length === 2)
  const flat = site.add('Reshape', [site.x.name, site.ints(0, first, -1)])
  return { name: site.add('Transpose', [flat.name], { perm: ints(0, 2, 1) }).name, width: first }
}

/** Scaled dot-product attention of tokens among themselves. */
const attention: Recipe = (site) => {
  const { name, width } = tokens(site)
  const part = (): string => site.add('MatMul', [name, site.constant([width, 2])]).name
  const keys = site.add('Transpose', [part()], { perm: ints(0, 2, 1) })
  const scores = site.add('MatMul', [part(), keys.name])
  const scaled = site.add('Mul', [scores.name, site.floats([Math.SQRT1_2], [])])
  const weights = site.add('Softmax', [scaled.name], { axis: int(2) })
  site.add('MatMul', [weights.name, part()])
}

/** LayerNorm as exporters write it before operator set 17. */
const layerNormByHand: Recipe = (site) => {
  const { name, dims } = site.x
  site.require(dims.length > 1)
  const last = dims.length - 1
  const mean = (x: string): string =>
    site.opset < 18
      ? site.add('ReduceMean', [x], { axes: ints(last) }).name
      : site.add('ReduceMean', [x, site.ints(last)]).name
  const centred = site.add('Sub', [name, mean(name)])
  const squares = site.add('Pow', [centred.name, site.floats([2], [])])
  const variance = site.add('Add', [mean(squares.name), site.floats([0.01], [])])
  site.add('Div', [centred.name, site.add('Sqrt', [variance.name]).name])
}

/** Operators that move, join, cut, sum and multiply. */
export const PLACE_RECIPES: Readonly<Record<string, Recipe>> = {
  attention,
  Concat: concat,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  LayerNormalization: layerNormalization,
  'LayerNorm by hand': layerNormByHand,
  LogSoftmax: softmax('LogSoftmax'),
  LpNormalization: lpNormalization,
  MatMul: matMul,
  Pad: pad,
  ...Object.fromEntries(REDUCTIONS.map((opType) => [opType, reduce(opType)])),
  ReduceLogSumExp: reduce('ReduceLogSumExp'),
  ReduceProd: reduce('ReduceProd'),
  Reshape: reshape,
  Slice: slice,
  Softmax: softmax('Softmax'),
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
}
