import type { ImageGraph } from '../onnx/image-graph.ts'
import type { LayerGraph } from '../onnx/layer-graph.ts'
import type { Masks, MaskWeight } from './masks.ts'

interface MethodFacts {
  readonly name: string
  readonly title: string
  /** The paper or definition. */
  readonly source: string
}

/** Where a window's map is found: the rectified `sum_c weights_c features_c` on the target layer's grid. */
export interface Cam {
  /** float32 [N, C, u, v]. */
  readonly features: string
  readonly channels: number
  /** float32 [N, C]; undefined: every channel counts once. */
  readonly weights: string | undefined
  /** Where negative values become zero: in the grid's cells, or in the samples at the window's pixels. */
  readonly rectify: 'cells' | 'samples'
}

/** A method that weighs the activations of one layer. */
export interface CamMethod extends MethodFacts {
  readonly kind: 'cam'
  /** `activations`: the map is the same for every class. */
  readonly reads: 'class' | 'activations'
  /** Adds the nodes that the map needs. */
  readonly build: (layer: LayerGraph) => Cam
}

/** A method whose map is `grey` of a tensor of the image's shape, averaged over the copies. */
export interface PixelMethod extends MethodFacts {
  readonly kind: 'pixels'
  /** Adds the nodes of that tensor and names it: float32 [N, 3, h, w] or [N, h, w, 3], as the image's input. */
  readonly build: (image: ImageGraph) => string
  /** Whether `build` reads the target layer besides. */
  readonly readsLayer?: true
  readonly copies: NoCopies | NoisyCopies | PathCopies
}

/** A method that asks the model about masked copies of a window; every mask counts by the answer. */
export interface MaskMethod extends MethodFacts {
  readonly kind: 'masks'
  readonly copies: MaskedCopies
}

/** A base method: how one window, seen by the model, becomes its map. */
export type Method = CamMethod | PixelMethod | MaskMethod

interface NoCopies {
  readonly kind: 'none'
}

/** With Gaussian noise of `strength` times the window's range. */
export interface NoisyCopies {
  readonly kind: 'noise'
  readonly count: number
  readonly strength: number
}

/** On the straight path from zero to the window, at the middles of `count` equal steps. */
export interface PathCopies {
  readonly kind: 'path'
  readonly count: number
}

/** Under masks, each with its own answer. */
interface MaskedCopies {
  readonly kind: 'masked'
  readonly masks: Masks
  readonly weight: MaskWeight
}

/** On what a window is asked again, besides itself. */
export type Copies = NoCopies | NoisyCopies | PathCopies | MaskedCopies

const none: NoCopies = { kind: 'none' }

export function copiesOf(method: Method): Copies {
  return method.kind === 'cam' ? none : method.copies
}

/** Whether a method reads the target layer. */
export function readsLayer(method: Method): boolean {
  switch (method.kind) {
    case 'cam':
      return true
    case 'pixels':
      return method.readsLayer === true
    case 'masks':
      return method.copies.masks.kind !== 'random' && method.copies.masks.kind !== 'squares'
  }
}

/** Whether a seed changes the map. */
export function drawsAtRandom(copies: Copies): boolean {
  if (copies.kind !== 'masked') return copies.kind === 'noise'
  const { masks } = copies
  return masks.kind === 'random' || (masks.kind === 'groups' && masks.grouping === 'k-means')
}
