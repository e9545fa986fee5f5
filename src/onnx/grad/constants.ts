import { type Constants, foldConstants } from '../fold.ts'
import type { Graph } from '../graph.ts'
import type { Shapes } from '../shapes.ts'
import { fromProto } from '../small-tensor.ts'

/** Two batch sizes: a number that is the same with both does not depend on the batch. */
const BATCHES = [7, 11] as const

/** The small tensors of a graph that hold the same numbers whatever the image and the batch. */
export class KnownConstants {
  readonly #graph: Graph
  readonly #shapes: Shapes
  #folded: readonly [Constants, Constants] | undefined

  constructor(graph: Graph, shapes: Shapes) {
    this.#graph = graph
    this.#shapes = shapes
  }

  get(name: string): readonly number[] | undefined {
    const given = this.#graph.initializers.get(name)
    if (given !== undefined) return fromProto(given)?.values
    this.#folded ??= [this.#fold(BATCHES[0]), this.#fold(BATCHES[1])]
    const [small, large] = this.#folded.map((folded) => folded.get(name)?.values)
    const isSame = small?.length === large?.length && small?.every((value, i) => value === large?.[i])
    return isSame ? small : undefined
  }

  #fold(batch: number): Constants {
    return foldConstants(this.#graph, (name) =>
      this.#shapes.get(name)?.dims.map((dim) => (typeof dim === 'number' ? dim : dim.batch * batch)),
    )
  }
}
