import type { Copies } from '../methods/method.ts'
import { type Device, type DType, Tensor } from '../native.ts'
import { largestBand } from './bands.ts'
import type { Chunk } from './chunks.ts'
import type { ExplainSession } from './explain-session.ts'
import type { Plan } from './plan.ts'

/** Everything a run over batches writes to, allocated once. */
export interface Buffers {
  /** Part of a level, 3 x height x width. */
  readonly band: Tensor<'float32'>
  /** The model's input: batch x window. */
  readonly input: Tensor<'float32'>
  /** batch x classes. */
  readonly logits: Tensor<'float32'>
  /** What the model reads and says of a copy of the batch; undefined where each window is asked once. */
  readonly copy: { readonly input: Tensor<'float32'>; readonly logits: Tensor<'float32'> } | undefined
  /** The model's other outputs, by name; each batch x what one window gives. */
  readonly outputs: ReadonlyMap<string, Tensor<'float32'>>
  /** rows x targets x (logit, log p). */
  readonly scores: Tensor<'float64'>
  readonly perTarget: readonly TargetBuffers[]
}

export interface TargetBuffers {
  /** The class of each sample, batch. */
  readonly classes: Tensor<'int64'>
  /** batch x classes; undefined where the logit of a class alone is explained. */
  readonly coefficients: Tensor<'float32'> | undefined
  readonly source: MapSource
  /** windows of a chunk x u x v. */
  readonly maps: Tensor<'float32'>
  /** windows of a chunk. */
  readonly peaks: Tensor<'float32'>
}

/** What a batch's maps are made of. */
export type MapSource =
  /** batch x C x u x v, batch x C. */
  | { readonly kind: 'cam'; readonly features: Tensor<'float32'>; readonly weights: Tensor<'float32'> }
  /** batch x window; `mean`: over the copies, where there are some. */
  | { readonly kind: 'pixels'; readonly gradient: Tensor<'float32'>; readonly mean: Tensor<'float32'> | undefined }

/** Sizes of a model's outputs, as far as buffers go. */
export type OutputSizes = Pick<ExplainSession, 'classes' | 'targets' | 'grid'>

/** Bytes that one explanation holds besides the model: buffers, photo, map and its unsmoothed form. */
export function memoryOf(
  plan: Plan,
  model: OutputSizes,
  { copies, chunks, keepMaps }: Pick<BufferSizes, 'copies' | 'chunks'> & { readonly keepMaps: boolean },
): number {
  const { batch, window, image } = plan
  const targets = Math.max(1, model.targets.length)
  const rows = plan.windows.length
  const held = Math.max(...chunks.map(({ first, end }) => end - first))
  const sums = chunks.length > 1 ? 8 * image.height * image.width : 0
  const grid = model.grid.height * model.grid.width
  const pixels = 3 * window.height * window.width
  const hasCopies = copies.kind !== 'none'
  const inputs = (pixels + model.classes) * (hasCopies ? 2 : 1)
  const outputs = outputShapes(model, [3, window.height, window.width]).map(({ shape }) => elementsOf(shape))
  const shared = largestBand(plan.levels, window) * 3 * 4 + (rows + 1) * targets * 16
  const batched = batch * 4 * (inputs + outputs.reduce((sum, elements) => sum + elements, 0))
  const means = hasCopies ? batch * 4 * pixels : 0
  const perTarget = batch * 8 + means + held * 4 * (grid + 1) + sums
  const kept = keepMaps ? 4 * rows * window.height * window.width * targets : 0
  const maps = image.height * image.width * (3 + 8 * targets) // the photo, and each target's map before and after smoothing
  return shared + batched + kept + targets * perTarget + maps
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1)
}

/** The model's outputs but for the logits, each once, with the shape of one window's share. */
function outputShapes({ targets, grid }: Pick<ExplainSession, 'targets' | 'grid'>, image: readonly number[]) {
  const shapes = new Map<string, readonly number[]>()
  for (const target of targets) {
    if (target.kind === 'pixels') shapes.set(target.gradient, image)
    else {
      shapes.set(target.features, [target.channels, grid.height, grid.width])
      if (target.weights !== undefined) shapes.set(target.weights, [target.channels])
    }
  }
  return [...shapes].map(([name, shape]) => ({ name, shape }))
}

interface BufferSizes {
  readonly copies: Copies
  readonly chunks: readonly Chunk[]
  /** Whose scores are asked for; the model may have no maps of them. */
  readonly targets: number
}

/** @throws SessError `OUT_OF_MEMORY`, with nothing left allocated */
export function allocateBuffers(device: Device, plan: Plan, model: ExplainSession, sizes: BufferSizes): Buffers {
  const { batch, window } = plan
  const { grid, classes, layout, targets, seeds } = model
  const { copies } = sizes
  const held = Math.max(...sizes.chunks.map(({ first, end }) => end - first))
  const image = layout === 'NCHW' ? [3, window.height, window.width] : [window.height, window.width, 3]
  const hasCopies = copies.kind !== 'none'
  const made: Tensor[] = []
  const tensor = <D extends DType>(dtype: D, ...shape: number[]): Tensor<D> => {
    const allocated = new Tensor(device, dtype, shape)
    made.push(allocated)
    return allocated
  }
  const ones = (channels: number): Tensor<'float32'> => {
    const weights = tensor('float32', batch, channels)
    weights.write(new Float32Array(batch * channels).fill(1))
    return weights
  }
  try {
    const outputs = new Map(
      outputShapes(model, image).map(({ name, shape }) => [name, tensor('float32', batch, ...shape)]),
    )
    const output = (name: string): Tensor<'float32'> => {
      const found = outputs.get(name)
      if (found === undefined) throw new RangeError(`the model has no output "${name}"`)
      return found
    }
    const sourceOf = (target: ExplainSession['targets'][number]): MapSource => {
      if (target.kind === 'pixels') {
        const mean = hasCopies ? tensor('float32', batch, ...image) : undefined
        return { kind: 'pixels', gradient: output(target.gradient), mean }
      }
      const weights = target.weights === undefined ? ones(target.channels) : output(target.weights)
      return { kind: 'cam', features: output(target.features), weights }
    }
    return {
      band: tensor('float32', 3 * largestBand(plan.levels, window)),
      input: tensor('float32', batch, ...image),
      logits: tensor('float32', batch, classes),
      copy: hasCopies
        ? { input: tensor('float32', batch, ...image), logits: tensor('float32', batch, classes) }
        : undefined,
      outputs,
      scores: tensor('float64', plan.windows.length + 1, Math.max(1, sizes.targets), 2),
      perTarget: targets.map((target, t) => ({
        classes: tensor('int64', batch),
        coefficients: seeds[t]?.coefficients === undefined ? undefined : tensor('float32', batch, classes),
        source: sourceOf(target),
        maps: tensor('float32', held, grid.height, grid.width),
        peaks: tensor('float32', held),
      })),
    }
  } catch (error) {
    for (const allocated of made) allocated.dispose()
    throw error
  }
}

export function disposeBuffers(buffers: Buffers): void {
  const { band, input, logits, copy, outputs, scores, perTarget } = buffers
  for (const tensor of [band, input, logits, copy?.input, copy?.logits, scores, ...outputs.values()]) tensor?.dispose()
  for (const { classes, coefficients, source, maps, peaks } of perTarget) {
    for (const tensor of [classes, coefficients, maps, peaks]) tensor?.dispose()
    if (source.kind === 'cam') source.weights.dispose()
    else source.mean?.dispose()
  }
}
