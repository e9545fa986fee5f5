import type { NodeProto, TensorProto } from 'onnx-buf'
import { type Attributes, makeNode } from '../../../../src/onnx/messages.ts'
import { floatTensor, int64Tensor } from '../../../../src/onnx/tensors.ts'
import { uniform } from '../../models.ts'
import { count, type Doubles } from './arrays.ts'
import { constantDoubles, evaluateNode } from './evaluate.ts'

/** What a recipe throws where it does not fit the tensors at hand; the step is then left out. */
export class Skip extends Error {}

export interface Live {
  readonly name: string
  /** With the batch, which is the first axis. */
  readonly dims: readonly number[]
}

const MAX_NUMBERS = 1200
const MAX_VALUE = 30

/** A graph that grows by recipes, with the values of every tensor. */
export class Site {
  readonly opset: number
  readonly nodes: NodeProto[] = []
  readonly tensors: TensorProto[] = []
  /** Tensors that depend on x, in order of their making. */
  readonly live: Live[]
  readonly #values = new Map<string, Doubles>()
  #choices: readonly number[] = []
  #source: Live

  constructor(opset: number, x: Doubles) {
    this.opset = opset
    this.#source = { name: 'x', dims: x.dims }
    this.live = [this.#source]
    this.#values.set('x', x)
  }

  /** Runs a recipe at a tensor (counted back from the latest); leaves the graph as it was where it does not fit. */
  grow(recipe: (site: Site) => void, source: number, choices: readonly number[]): void {
    const [nodes, tensors, live] = [this.nodes.length, this.tensors.length, this.live.length]
    this.#source = this.#back(source)
    this.#choices = choices
    try {
      recipe(this)
    } catch (error) {
      if (!(error instanceof Skip)) throw error
      this.nodes.length = nodes
      this.tensors.length = tensors
      this.live.length = live
    }
  }

  /** The tensor that the recipe is to start from. */
  get x(): Live {
    return this.#source
  }

  /** The next choice, 0 to n - 1; 0 once they have run out. */
  choose(n: number): number {
    const [choice = 0, ...rest] = this.#choices
    this.#choices = rest
    return choice % n
  }

  pick<T>(...values: readonly T[]): T {
    const value = values[this.choose(values.length)]
    if (value === undefined) throw new Skip()
    return value
  }

  require(condition: boolean): void {
    if (!condition) throw new Skip()
  }

  since(opset: number): void {
    this.require(this.opset >= opset)
  }

  /** One of the live tensors that fit; skips where none does. */
  other(fits: (tensor: Live) => boolean): Live {
    const fitting = this.live.filter(fits)
    this.require(fitting.length > 0)
    return fitting[fitting.length - 1 - this.choose(fitting.length)] ?? this.#source
  }

  values(tensor: string): Float64Array {
    return this.#values.get(tensor)?.data ?? new Float64Array()
  }

  /** A constant of random numbers from `low` to `high`. */
  constant(dims: readonly number[], low = -1, high = 1): string {
    const name = `c${this.tensors.length}`
    const next = uniform(this.tensors.length * 7919 + count(dims))
    const values = Array.from({ length: count(dims) }, () => low + ((next() + 1) / 2) * (high - low))
    return this.#add(floatTensor(name, values, dims))
  }

  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#add(floatTensor(`c${this.tensors.length}`, values, dims))
  }

  ints(...values: readonly number[]): string {
    return this.#add(int64Tensor(`c${this.tensors.length}`, values, [values.length]))
  }

  #add(tensor: TensorProto): string {
    this.tensors.push(tensor)
    this.#values.set(tensor.name, constantDoubles(tensor))
    return tensor.name
  }

  /** Adds a node; its outputs live on. Skips where they are too large, in number or in value. */
  emit(opType: string, inputs: readonly string[], attributes: Attributes = {}, outputs = 1): readonly Live[] {
    const made = this.#append(opType, inputs, attributes, outputs)
    for (const { name } of made) {
      const values = this.values(name)
      this.require(values.length > 0 && values.length <= MAX_NUMBERS)
      this.require(values.every((value) => Math.abs(value) <= MAX_VALUE))
    }
    return made
  }

  #append(opType: string, inputs: readonly string[], attributes: Attributes, outputs: number): readonly Live[] {
    const names = Array.from({ length: outputs }, (_, i) => `t${this.nodes.length}${'abc'[i] ?? ''}`)
    const node = makeNode(opType, inputs, names, attributes)
    const known = inputs.flatMap((name) => this.#values.get(name) ?? [])
    const made = evaluateNode(node, known, this.opset).map((value, i) => {
      const name = names[i] ?? ''
      this.#values.set(name, value)
      return { name, dims: value.dims }
    })
    this.nodes.push(node)
    this.live.push(...made)
    return made
  }

  /** `emit` of one output. */
  add(opType: string, inputs: readonly string[], attributes: Attributes = {}): Live {
    return this.emit(opType, inputs, attributes)[0] ?? this.#source
  }

  /** Adds a node through whose output no gradient is to pass. */
  addMask(opType: string, inputs: readonly string[]): string {
    const { name } = this.add(opType, inputs)
    this.live.pop()
    return name
  }

  /** Joins everything that nothing reads yet, so that every node leads to the last one's output. */
  join(): void {
    const read = new Set(this.nodes.flatMap(({ input }) => input))
    const leaves = this.live.filter(({ name }) => !read.has(name))
    if (leaves.length < 2) return
    const flat = leaves.map(({ name }) => this.#append('Flatten', [name], { axis: { int: 1 } }, 1))
    const names = flat.flatMap((outputs) => outputs.map(({ name }) => name))
    this.#append('Concat', names, { axis: { int: 1 } }, 1)
  }

  #back(steps: number): Live {
    return this.live[this.live.length - 1 - (steps % this.live.length)] ?? this.#source
  }
}
