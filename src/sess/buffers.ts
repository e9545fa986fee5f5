import { type Device, type DType, Tensor } from '../native.ts'
import { largestBand } from './bands.ts'
import type { CamSession } from './cam-session.ts'
import type { Plan } from './plan.ts'

/** Everything a run over batches writes to, allocated once. */
export interface Buffers {
  /** Part of a level, 3 x height x width. */
  readonly band: Tensor<'float32'>
  /** The model's input: batch x window. */
  readonly input: Tensor<'float32'>
  /** batch x classes. */
  readonly logits: Tensor<'float32'>
  /** batch x channels x u x v. */
  readonly activations: Tensor<'float32'>
  /** rows x targets x (logit, log p). */
  readonly scores: Tensor<'float64'>
  readonly perTarget: readonly TargetBuffers[]
}

export interface TargetBuffers {
  /** The class of each sample, batch. */
  readonly classes: Tensor<'int64'>
  /** batch x channels. */
  readonly weights: Tensor<'float32'>
  /** rows x u x v. */
  readonly maps: Tensor<'float32'>
  /** rows. */
  readonly peaks: Tensor<'float32'>
}

interface BufferSizes {
  readonly targets: number
  /** Windows, and one for the base view. */
  readonly rows: number
}

/** Sizes of a model's outputs, as far as buffers go. */
export type OutputSizes = Pick<CamSession, 'classes' | 'channels' | 'grid'>

/** Bytes that one explanation holds besides the model: buffers, photo, map and its unsmoothed form. */
export function memoryOf(plan: Plan, model: OutputSizes, targets: number, keepMaps: boolean): number {
  const { batch, window, image } = plan
  const rows = plan.windows.length + 1
  const grid = model.grid.height * model.grid.width
  const shared = largestBand(plan.levels, window) * 3 * 4 + rows * targets * 16
  const batched = batch * 4 * (3 * window.height * window.width + model.classes + model.channels * grid)
  const perTarget = batch * (8 + 4 * model.channels) + rows * 4 * (grid + 1)
  const kept = keepMaps ? 4 * plan.windows.length * window.height * window.width * targets : 0
  return shared + batched + kept + targets * perTarget + image.height * image.width * (3 + 4 + 4)
}

/** @throws SessError `OUT_OF_MEMORY`, with nothing left allocated */
export function allocateBuffers(device: Device, plan: Plan, model: CamSession, sizes: BufferSizes): Buffers {
  const { batch, window } = plan
  const { grid, channels, classes, layout } = model
  const { rows } = sizes
  const image = layout === 'NCHW' ? [3, window.height, window.width] : [window.height, window.width, 3]
  const made: Tensor[] = []
  const tensor = <D extends DType>(dtype: D, ...shape: number[]): Tensor<D> => {
    const allocated = new Tensor(device, dtype, shape)
    made.push(allocated)
    return allocated
  }
  try {
    return {
      band: tensor('float32', 3 * largestBand(plan.levels, window)),
      input: tensor('float32', batch, ...image),
      logits: tensor('float32', batch, classes),
      activations: tensor('float32', batch, channels, grid.height, grid.width),
      scores: tensor('float64', rows, Math.max(1, sizes.targets), 2),
      perTarget: Array.from({ length: sizes.targets }, () => ({
        classes: tensor('int64', batch),
        weights: tensor('float32', batch, channels),
        maps: tensor('float32', rows, grid.height, grid.width),
        peaks: tensor('float32', rows),
      })),
    }
  } catch (error) {
    for (const allocated of made) allocated.dispose()
    throw error
  }
}

/** Frees all but the maps, which the fusion still reads. */
export function disposeScratch({ perTarget, ...shared }: Buffers): void {
  for (const tensor of Object.values(shared)) tensor.dispose()
  for (const { classes, weights, peaks } of perTarget) for (const tensor of [classes, weights, peaks]) tensor.dispose()
}
