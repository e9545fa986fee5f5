import { stat } from 'node:fs/promises'
import type { PhotoOrigin } from '../io/photo.ts'
import type { ExplainerDevice } from '../load.ts'
import type { PixelNumbers } from '../models/preprocess.ts'
import type { ModelReference, ResolvedModel } from '../models/resolve.ts'

/** What a bundle says of a loaded model: plain data, so that it outlives the explainer. */
export interface ModelOrigin {
  readonly reference: ModelReference
  readonly resolved: ResolvedModel
  /** As it was before it was read. */
  readonly file: FileState
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
  readonly precision: 'fp32' | 'tf32' | 'fp16'
}

/** What an explanation was made from. */
export interface Origin {
  readonly photo: PhotoOrigin
  readonly model: ModelOrigin
}

/** What tells that a file was written to. `readAt`: no other file of the model may be newer. */
export interface FileState {
  readonly bytes: number
  readonly modified: number
  readonly readAt: number
}

export async function fileState(path: string): Promise<FileState> {
  const readAt = Date.now()
  const { size, mtimeMs } = await stat(path)
  return { bytes: size, modified: mtimeMs, readAt }
}
