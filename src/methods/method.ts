import { invalidOption } from '../error.ts'
import type { ImageGraph } from '../onnx/image-graph.ts'
import type { LayerGraph } from '../onnx/layer-graph.ts'

interface MethodFacts {
  readonly name: string
  readonly title: string
  /** The paper or definition. */
  readonly source: string
}

/** Where a window's map is found: `relu(sum_c weights_c features_c)` on the target layer's grid. */
export interface Cam {
  /** float32 [N, C, u, v]. */
  readonly features: string
  readonly channels: number
  /** float32 [N, C]; undefined: every channel counts once. */
  readonly weights: string | undefined
}

/** A method that weighs the activations of one layer. */
export interface CamMethod extends MethodFacts {
  readonly kind: 'cam'
  /** `activations`: the map is the same for every class. */
  readonly reads: 'class' | 'activations'
  /** Adds the nodes that the map needs. */
  readonly build: (layer: LayerGraph) => Cam
}

/** How often, and on what, a window is asked again; what the answers are averaged to is what one gradient would be. */
export type Copies =
  | { readonly kind: 'none' }
  /** With Gaussian noise of `strength` times the window's range. */
  | { readonly kind: 'noise'; readonly count: number; readonly strength: number }
  /** On the straight path from zero to the window, at the middles of `count` equal steps. */
  | { readonly kind: 'path'; readonly count: number }

/** A method whose map is `grey` of a tensor of the image's shape, averaged over the copies. */
export interface PixelMethod extends MethodFacts {
  readonly kind: 'pixels'
  /** Adds the nodes of that tensor and names it: float32 [N, 3, h, w] or [N, h, w, 3], as the image's input. */
  readonly build: (image: ImageGraph) => string
  readonly copies: Copies
}

/** A base method: how one window, seen by the model, becomes its map. */
export type Method = CamMethod | PixelMethod

const once: Copies = { kind: 'none' }

export function copiesOf(method: Method): Copies {
  return method.kind === 'cam' ? once : method.copies
}

/** Forward passes of one window: the window itself gives the score, the copies its map. */
export function passesOf(copies: Copies): number {
  return copies.kind === 'none' ? 1 : 1 + copies.count
}

/**
 * The method with another number of copies.
 * @throws SessError `OPTION_INVALID` for a method that takes none
 */
export function withSamples(method: Method, samples: number | undefined): Method {
  if (samples === undefined) return method
  if (method.kind === 'cam' || method.copies.kind === 'none') {
    throw invalidOption('samples', samples, `nothing: ${method.name} asks each window once`)
  }
  return { ...method, copies: { ...method.copies, count: samples } }
}
