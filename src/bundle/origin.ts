import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PhotoOrigin } from '../io/photo.ts'
import type { ExplainerDevice } from '../load.ts'
import type { PixelNumbers } from '../models/preprocess.ts'
import type { ModelReference, ResolvedModel } from '../models/resolve.ts'
import { externalPlace } from '../onnx/external.ts'
import type { Graph } from '../onnx/graph.ts'

/** What a bundle says of a loaded model: plain data, so that it outlives the explainer. */
export interface ModelOrigin {
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
  readonly precision: 'fp32' | 'tf32' | 'fp16'
}

/** What an explanation was made from. */
export interface Origin {
  readonly photo: PhotoOrigin
  readonly model: ModelOrigin
}

/** What tells that a file was written to. */
export interface FileState {
  readonly path: string
  readonly bytes: number
  readonly modified: number
}

export async function fileState(path: string): Promise<FileState> {
  const { size, mtimeMs } = await stat(path)
  return { path, bytes: size, modified: mtimeMs }
}

/** The files that a graph keeps weights in, its own among them where it has large ones. */
export async function weightStates({ initializers, externalFolder }: Graph): Promise<readonly FileState[]> {
  if (externalFolder === undefined) return []
  const locations = [...initializers.values()].flatMap((tensor) => externalPlace(tensor)?.location ?? [])
  return await Promise.all([...new Set(locations)].map((location) => fileState(join(externalFolder, location))))
}
