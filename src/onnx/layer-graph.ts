import { SessError } from '../error.ts'
import type { AugmentedGraph, SeedInputs } from './augment.ts'
import type { Emitter } from './grad/emitter.ts'
import {
  asTensor,
  expand,
  type Gradient,
  multiply,
  settle,
  sumTo,
  type TensorGradient,
  tensorGradient,
  unreshape,
  untranspose,
} from './grad/gradient.ts'
import type { TargetLayer } from './layers.ts'
import type { Dims } from './shapes.ts'

/**
 * The target layer as a class activation map reads it, whatever the model's layout: activations and gradient as
 * N x C x u x v, class and register tokens dropped. Gradients keep axes of length 1 along which they are equal.
 */
export class LayerGraph {
  readonly e: Emitter
  /** float32 [N, C, u, v]. */
  readonly activations: string
  readonly channels: number
  readonly height: number
  readonly width: number
  /** u times v. */
  readonly cells: number
  readonly #augmented: AugmentedGraph
  readonly #layer: TargetLayer
  readonly #seed: SeedInputs
  readonly #dims: Dims

  constructor(augmented: AugmentedGraph, layer: TargetLayer, seed: SeedInputs) {
    this.#augmented = augmented
    this.#layer = layer
    this.#seed = seed
    this.e = augmented.emitter
    this.channels = layer.channels
    this.height = layer.height
    this.width = layer.width
    this.cells = layer.height * layer.width
    this.#dims = [augmented.images, layer.channels, layer.height, layer.width]
    this.activations = this.#channelsFirst(tensorGradient(layer.name, augmented.dims(layer.name))).name
  }

  /**
   * `d z / d A`, N x C x u x v.
   * @throws SessError `MODEL_UNSUPPORTED` where it does not pass
   */
  gradient(): Gradient {
    const { name } = this.#layer
    const gradient = this.#augmented.gradients(this.#seed, [name], 'plain')(name)
    return gradient.kind === 'one-hot' ? this.#channelsFirst(asTensor(this.e, gradient)) : this.#channelsFirst(gradient)
  }

  /** Nothing left to multiply in; short axes stay short. */
  settled(gradient: Gradient): TensorGradient {
    return settle(this.e, gradient)
  }

  /** The product with a tensor N x C x u x v, element by element: of that shape. */
  times(gradient: Gradient, tensor: string): string {
    return settle(this.e, multiply(this.e, gradient, tensor, this.#dims)).name
  }

  /** The sum over u and v of a tensor N x C x u x v: N x C x 1 x 1. */
  sumOf(tensor: string): string {
    return this.e.reduceSum(tensor, [2, 3])
  }

  /** The sum over u and v: N x C. */
  sum(gradient: Gradient): string {
    const [images = 1, channels = 1] = this.#dims
    const alone = [images, channels, 1, 1]
    const total = unreshape(this.e, sumTo(this.e, gradient, this.#dims, alone), alone, [images, channels])
    return expand(this.e, total, [images, channels]).name
  }

  /** The mean over u and v: N x C. */
  mean(gradient: Gradient): string {
    const { e } = this
    const { name, dims, factor } = asTensor(e, gradient)
    const [images = 1, channels = 1] = this.#dims
    const long = [2, 3].filter((axis) => dims[axis] !== 1) // along the others it is its own mean
    const mean = tensorGradient(
      long.length === 0 ? name : e.reduceMean(name, long),
      [...dims.slice(0, 2), 1, 1],
      factor,
    )
    const flat = unreshape(e, mean, [images, channels, 1, 1], [images, channels])
    return expand(e, flat, [images, channels]).name
  }

  /** N x C x 1 x 1 as N x C. */
  perChannel(tensor: string): string {
    const [images = 1, channels = 1] = this.#dims
    return this.e.reshape(tensor, [images, channels, 1, 1], [images, channels])
  }

  /** N x C x u x v as N x C x uv. */
  flat(tensor: string): string {
    return this.e.reshape(tensor, this.#dims, [...this.#dims.slice(0, 2), this.cells])
  }

  /** N x uv x 1 as N x 1 x u x v. */
  onGrid(tensor: string): string {
    const [images = 1, , height = 1, width = 1] = this.#dims
    return this.e.reshape(tensor, [images, this.cells, 1], [images, 1, height, width])
  }

  /** The map `relu(sum_c weights_c A_c)`. `weights`: N x C. */
  weighted(weights: string) {
    return { features: this.activations, channels: this.channels, weights, rectify: 'cells' } as const
  }

  /** The map `relu(sum_c A_c)`. */
  unweighted() {
    return { features: this.activations, channels: this.channels, weights: undefined, rectify: 'cells' } as const
  }

  /** The map `relu(sum_c tensor_c)`; `tensor`: N x C x u x v, or N x 1 x u x v. */
  single(tensor: string) {
    return { features: this.e.reduceSum(tensor, [1]), channels: 1, weights: undefined, rectify: 'cells' } as const
  }

  /** `sum_c weights_c features_c`: N x 1 x u x v. */
  weightedSum(features: string, weights: string): string {
    const [images = 1, channels = 1] = this.#dims
    const column = this.e.reshape(weights, [images, channels], [images, channels, 1, 1])
    return this.e.reduceSum(this.e.emit('Mul', [features, column]), [1])
  }

  /** Whether the gradient is the same in every cell and for every image: the logits are linear in the map's mean. */
  isPooledLinear(gradient: Gradient): boolean {
    const isEqual = gradient.dims[2] === 1 && gradient.dims[3] === 1
    return isEqual && gradient.kind === 'tensor' && !this.#augmented.readsFeatures(gradient.name, this.#seed)
  }

  /** `METHOD_UNSUPPORTED` for this layer. */
  refuse(method: string, why: string): SessError {
    const { graph } = this.#augmented.classifier
    return new SessError(
      'METHOD_UNSUPPORTED',
      `${method}: layer "${this.#layer.name}" of model "${graph.name}" ${why}.`,
    )
  }

  /** A tensor with the layer's own axes, or its gradient, as N x C x u x v. */
  #channelsFirst(of: TensorGradient): TensorGradient {
    const { e } = this
    const { layout, skip, height, width, channels } = this.#layer
    if (layout === 'NCHW') return of
    const rows: TensorGradient =
      layout === 'NHWC'
        ? of
        : unreshapeTokens(e, dropTokens(e, of, skip), [this.#augmented.images, height, width, channels])
    return asTensor(e, untranspose(e, rows, [0, 2, 3, 1]))
  }
}

/** Without the first `skip` tokens: N x T x C to N x (T - skip) x C. */
function dropTokens(e: Emitter, of: TensorGradient, skip: number): TensorGradient {
  const [images = 1, tokens = 1, channels = 1] = of.dims
  if (skip === 0 || typeof tokens !== 'number' || tokens === 1) return of
  return { ...of, name: e.slice(of.name, 1, skip, tokens), dims: [images, tokens - skip, channels] }
}

/** N x (u v) x C as N x u x v x C. */
function unreshapeTokens(e: Emitter, of: TensorGradient, grid: Dims): TensorGradient {
  const [images = 1, height = 1, width = 1, channels = 1] = grid
  if (typeof height !== 'number' || typeof width !== 'number') throw new RangeError('a grid of tokens has a fixed size')
  return asTensor(e, unreshape(e, of, [images, height * width, channels], grid))
}
