import { type NodeProto, type TensorProto, TensorProto_DataType } from 'onnx-buf'
import { LARGEST_HALF } from '../half.ts'
import { type Attributes, makeNode } from '../messages.ts'
import type { Dims } from '../shapes.ts'
import { type FloatType, floatTensor, int64Tensor } from '../tensors.ts'

const HALF_LOSS_SCALE = 2 ** 8

/** Far enough from the smallest float that sums with zeros stay finite. */
const LOWEST_FLOAT = -3e38

/**
 * Collects the nodes and constants that are added to a graph. Each operator is written in the form that the graph's
 * operator set knows. The same operator on the same inputs is emitted once, so masks are shared between targets.
 */
export class Emitter {
  readonly opset: number
  /**
   * How many times too large the tensors of gradients are made on their way, so that float16 keeps what is small; their
   * factor takes it back. A power of two, which rounds nothing.
   */
  readonly lossScale: number
  /** Under any real activation. */
  readonly lowest: number
  readonly #floatType: FloatType
  readonly #taken: (name: string) => boolean
  readonly #nodes: NodeProto[] = []
  readonly #constants: TensorProto[] = []
  readonly #known = new Map<string, string>()
  /** Reshaped tensors and what they are views of. */
  readonly #views = new Map<string, { readonly base: string; readonly dims: Dims }>()

  constructor(options: {
    readonly opset: number
    readonly floatType?: FloatType
    /** What the nodes will be computed in; float32 unless said otherwise. */
    readonly arithmetic?: 'float32' | 'float16'
    readonly taken: (name: string) => boolean
  }) {
    this.opset = options.opset
    const isHalf = options.arithmetic === 'float16'
    this.lossScale = isHalf ? HALF_LOSS_SCALE : 1
    this.lowest = isHalf ? -LARGEST_HALF : LOWEST_FLOAT
    this.#floatType = options.floatType ?? TensorProto_DataType.FLOAT
    this.#taken = options.taken
  }

  get nodes(): readonly NodeProto[] {
    return this.#nodes
  }

  get constants(): readonly TensorProto[] {
    return this.#constants
  }

  /** Emits one node with one output and returns the output's name. */
  emit(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const key = JSON.stringify([opType, inputs, attributes])
    return this.#once(key, () => {
      const name = this.name(opType.toLowerCase())
      this.#nodes.push(makeNode(opType, inputs, [name], attributes))
      return name
    })
  }

  /** A fresh tensor name. */
  name(stem: string): string {
    let name: string
    let count = this.#nodes.length + this.#constants.length
    do name = `sess_${stem}_${count++}`
    while (this.#taken(name) || this.#known.has(name))
    this.#known.set(name, name)
    return name
  }

  floats(values: readonly number[], dims: readonly number[]): string {
    return this.#constant('float', values, dims, (name) => floatTensor(name, values, dims, this.#floatType))
  }

  scalar(value: number): string {
    return this.floats([value], [])
  }

  /** Resize's scales, which are float32 whatever the model's type. */
  float32s(values: readonly number[]): string {
    return this.#constant('float32', values, [values.length], (name) => floatTensor(name, values, [values.length]))
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#constant('int', values, dims, (name) => int64Tensor(name, values, dims))
  }

  #constant(
    kind: string,
    values: readonly number[],
    dims: readonly number[],
    make: (name: string) => TensorProto,
  ): string {
    return this.#once(`${kind} [${dims.join()}] ${values.join()}`, () => {
      const name = this.name(`${kind}s`)
      this.#constants.push(make(name))
      return name
    })
  }

  #once(key: string, make: () => string): string {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const name = make()
    this.#known.set(key, name)
    return name
  }

  /** `x` of shape `from` seen as shape `to`; views of views go back to the first tensor. */
  reshape(x: string, from: Dims, to: Dims): string {
    const view = this.#views.get(x) ?? { base: x, dims: from }
    if (sameLengths(view.dims, to)) return view.base
    const shape = to.map((dim) => (typeof dim === 'number' ? dim : -1))
    const name = this.emit('Reshape', [view.base, this.ints(shape)])
    this.#views.set(name, view)
    return name
  }

  toFloat(x: string): string {
    return this.emit('Cast', [x], { to: { int: this.#floatType } })
  }

  toInt64(x: string): string {
    return this.emit('Cast', [x], { to: { int: TensorProto_DataType.INT64 } })
  }

  /** Sum over `axes`, kept with length 1. */
  reduceSum(x: string, axes: readonly number[]): string {
    return this.reduce('ReduceSum', x, axes)
  }

  /** Mean over `axes`, kept with length 1. */
  reduceMean(x: string, axes: readonly number[]): string {
    return this.reduce('ReduceMean', x, axes)
  }

  /** A reduction over `axes`, kept with length 1. No axes mean all of them to ONNX; here `x` stays as it is. */
  reduce(opType: `Reduce${'Sum' | 'Mean' | 'Prod' | 'L1' | 'L2'}`, x: string, axes: readonly number[]): string {
    if (axes.length === 0) return x
    const inputSince = opType === 'ReduceSum' ? 13 : 18
    if (this.opset < inputSince) return this.emit(opType, [x], { axes: { ints: axes }, keepdims: { int: 1 } })
    return this.emit(opType, [x, this.ints(axes)], { keepdims: { int: 1 } })
  }

  /** `a` where `condition` holds, `b` elsewhere; both are finite. */
  where(condition: string, a: string, b: string): string {
    if (this.opset >= 9) return this.emit('Where', [condition, a, b])
    const part = (value: string, mask: string): string => this.emit('Mul', [value, this.toFloat(mask)])
    return this.emit('Add', [part(a, condition), part(b, this.emit('Not', [condition]))])
  }

  /** -1, 0 or 1. */
  sign(x: string): string {
    // Operator set 9 has Sign, but ONNX Runtime's CUDA provider has it from 13 on
    if (this.opset >= 13) return this.emit('Sign', [x])
    const zero = this.scalar(0)
    const [above, below] = [this.emit('Greater', [x, zero]), this.emit('Less', [x, zero])]
    return this.emit('Sub', [this.toFloat(above), this.toFloat(below)])
  }

  /** Whether each number is 0; before operator set 11 Equal knows no floats. */
  isZero(x: string): string {
    const zero = this.scalar(0)
    if (this.opset >= 11) return this.emit('Equal', [x, zero])
    return this.emit('Not', [this.emit('Or', [this.emit('Greater', [x, zero]), this.emit('Less', [x, zero])])])
  }

  /** `x` with 1 in the place of 0: a divisor for what is 0 there too. */
  nonZero(x: string): string {
    return this.emit('Add', [x, this.toFloat(this.isZero(x))])
  }

  slice(x: string, axis: number, start: number, end: number): string {
    return this.crop(x, [{ axis, start, end }])
  }

  /** `start` to `end` of each of these axes. */
  crop(x: string, ranges: readonly { readonly axis: number; readonly start: number; readonly end: number }[]): string {
    if (ranges.length === 0) return x
    const axes = ranges.map(({ axis }) => axis)
    const starts = ranges.map(({ start }) => start)
    const ends = ranges.map(({ end }) => end)
    if (this.opset < 10) {
      return this.emit('Slice', [x], { axes: { ints: axes }, starts: { ints: starts }, ends: { ints: ends } })
    }
    return this.emit('Slice', [x, this.ints(starts), this.ints(ends), this.ints(axes)])
  }

  /** `pads`: begins of every axis, then ends. */
  pad(x: string, pads: readonly number[], value: number): string {
    if (this.opset < 11) return this.emit('Pad', [x], { pads: { ints: pads }, value: { float: value } })
    return this.emit('Pad', [x, this.ints(pads), this.scalar(value)])
  }
}

function sameLengths(a: Dims, b: Dims): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
