import type { ExplainerDevice } from './device.ts'
import type { FileState } from './io/file-state.ts'
import type { PhotoProvenance } from './io/photo.ts'
import type { ResolvedModel } from './models/model-file.ts'
import type { PixelNumbers } from './models/preprocess.ts'
import type { ModelReference } from './models/resolve.ts'

/** What an explanation was made from. */
export interface Provenance {
  readonly photo: PhotoProvenance
  readonly model: ModelProvenance
}

/** What a bundle says of a loaded model: plain data, so that it outlives the explainer. */
export interface ModelProvenance {
  readonly reference: ModelReference
  readonly resolved: ResolvedModel
  /** Its file and those of its weights, as they were before they were read. */
  readonly files: readonly FileState[]
  readonly input: {
    readonly name: string
    readonly layout: 'NCHW' | 'NHWC'
    readonly height: number
    readonly width: number
  }
  readonly pixels: PixelNumbers
  readonly classes: number
  readonly activation: 'softmax' | 'sigmoid'
  readonly labels: readonly string[] | undefined
  /** The patch grid that was stated: rows, columns. */
  readonly tokens: readonly [number, number] | undefined
  readonly device: ExplainerDevice
  readonly precision: Precision
}

/** What a model is computed in. */
export type Precision = 'fp32' | 'tf32' | 'fp16'
