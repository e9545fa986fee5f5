import { SessError } from '../error.ts'
import type { AugmentedGraph, SeedInputs } from './augment.ts'
import type { ClassifierGraph } from './classifier.ts'
import type { Passing } from './grad/build.ts'
import type { Emitter } from './grad/emitter.ts'
import { expand } from './grad/gradient.ts'
import { bilinearMatrix } from './interpolation.ts'
import { LayerGraph } from './layer-graph.ts'
import type { TargetLayer } from './layers.ts'

/** The image's input as a pixel method reads it: gradients of the window's own pixels, in the input's layout. */
export class ImageGraph {
  readonly e: Emitter
  /** The window after preprocessing: float32 [N, 3, h, w] or [N, h, w, 3]. */
  readonly name: string
  readonly #augmented: AugmentedGraph
  readonly #seed: SeedInputs
  readonly #layer: TargetLayer | undefined

  constructor(augmented: AugmentedGraph, layer: TargetLayer | undefined, seed: SeedInputs) {
    this.#augmented = augmented
    this.#layer = layer
    this.#seed = seed
    this.e = augmented.emitter
    this.name = augmented.classifier.inputName
  }

  /**
   * `d z / d x`, of the input's shape.
   * @throws SessError `MODEL_UNSUPPORTED` where it does not pass, `METHOD_UNSUPPORTED` guided without a rectifier
   */
  gradient(passing: Passing): string {
    const { classifier } = this.#augmented
    const gradient = this.#augmented.gradients(this.#seed, [this.name], passing)(this.name)
    const { name } = expand(this.e, gradient, this.#augmented.dims(this.name))
    if (passing === 'guided' && name === this.gradient('plain')) {
      const why = 'has no Relu, and no Clip from 0, that guiding would change; take gradient'
      throw new SessError('METHOD_UNSUPPORTED', `Model "${classifier.graph.name}" ${why}.`)
    }
    return name
  }

  /**
   * The target layer, of a method that says that it `readsLayer`.
   * @throws SessError `METHOD_UNSUPPORTED` where there is none
   */
  layer(): LayerGraph {
    return new LayerGraph(this.#augmented, requireLayer(this.#augmented.classifier, this.#layer), this.#seed)
  }

  /** A map N x 1 x u x v on a layer's grid, bilinearly at the window's pixels: N x 1 x h x w, or N x h x w x 1. */
  upsampled(map: string, layer: LayerGraph): string {
    const { e } = this
    const { height, width, layout } = this.#augmented.classifier
    const { images } = this.#augmented
    const rows = e.floats(bilinearMatrix(layer.height, height).flat(), [height, layer.height])
    const columns = bilinearMatrix(layer.width, width)
    const transposed = e.floats(
      Array.from({ length: layer.width }, (_, x) => columns.map((taps) => taps[x] ?? 0)).flat(),
      [layer.width, width],
    )
    const up = e.emit('MatMul', [e.emit('MatMul', [rows, map]), transposed])
    return layout === 'NCHW' ? up : e.reshape(up, [images, 1, height, width], [images, height, width, 1])
  }
}

/** @throws SessError `METHOD_UNSUPPORTED` where the model has no feature map */
export function requireLayer({ graph }: ClassifierGraph, layer: TargetLayer | undefined): TargetLayer {
  if (layer !== undefined) return layer
  const why =
    'has no feature map with height and width between image and logits; class activation maps do not apply to it'
  throw new SessError('METHOD_UNSUPPORTED', `Model "${graph.name}" ${why}. A pixel method (gradient) may.`)
}
