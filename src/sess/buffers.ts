import type { TargetOutputs } from '../methods/explain-model.ts'
import type { Cam } from '../methods/method.ts'
import { type Device, type DType, Tensor } from '../native.ts'
import { largestBand } from './bands.ts'
import type { Chunk } from './chunks.ts'
import type { ExplainSession } from './explain-session.ts'
import { keptBytes } from './fused-windows.ts'
import { allocateMasks, type MaskBuffers, maskBytes } from './mask-buffers.ts'
import type { PlannedCopies } from './mask-set.ts'
import type { Plan } from './plan.ts'

/** Everything a run over batches writes to, allocated once. */
export interface Buffers {
  /** Part of a level, 3 x height x width. */
  readonly band: Tensor<'float32'>
  /** The model's input: batch x window. */
  readonly input: Tensor<'float32'>
  /** batch x classes. */
  readonly logits: Tensor<'float32'>
  /** What a model reads and says of copies of windows; undefined where each window is asked once. */
  readonly copy: { readonly input: Tensor<'float32'>; readonly logits: Tensor<'float32'> } | undefined
  /** undefined where copies are not masked. */
  readonly masks: MaskBuffers | undefined
  /** The model's other outputs, by name; each batch x what one window gives. */
  readonly outputs: ReadonlyMap<string, Tensor<'float32'>>
  /** rows x targets x (logit, log p). */
  readonly scores: Tensor<'float64'>
  readonly perTarget: readonly TargetBuffers[]
  /** All of the above. */
  readonly tensors: readonly Tensor[]
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
type MapSource =
  | {
      readonly kind: 'cam'
      /** batch x C x u x v. */
      readonly features: Tensor<'float32'>
      /** batch x C. */
      readonly weights: Tensor<'float32'>
      readonly rectify: Cam['rectify']
    }
  /** batch x window; `mean`: over the copies, where there are some. */
  | { readonly kind: 'pixels'; readonly gradient: Tensor<'float32'>; readonly mean: Tensor<'float32'> | undefined }
  /** batch x masks. */
  | { readonly kind: 'random'; readonly weights: Tensor<'float32'>; readonly grid: number; readonly keep: number }
  /** batch x squares; `origins`: y, x of each square. */
  | {
      readonly kind: 'squares'
      readonly weights: Tensor<'float32'>
      readonly side: number
      readonly origins: Int32Array
    }

/** Sizes of a model's outputs, as far as buffers go. */
export type OutputSizes = Pick<ExplainSession, 'classes' | 'targets' | 'grid' | 'layerTensor'>

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
  const copied = elementsOf(copiedShape(copies, model) ?? [pixels])
  const inputs = pixels + model.classes + (hasCopies ? copied + model.classes : 0)
  const outputs = outputShapes(model, [3, window.height, window.width]).map(({ shape }) => elementsOf(shape))
  const shared = largestBand(plan.levels, window) * 3 * 4 + (rows + 1) * targets * 16
  const batched = batch * 4 * (inputs + outputs.reduce((sum, elements) => sum + elements, 0))
  const means = copies.kind === 'noise' || copies.kind === 'path' ? batch * 4 * pixels : 0
  const masks = copies.kind === 'masked' ? maskBytes(copies.set, { batch, targets, pixels, cells: grid }) : 0
  const perTarget = batch * 8 + means + held * 4 * (grid + 1) + sums
  const kept = keepMaps ? 4 * rows * window.height * window.width * targets : 0
  const fused = chunks.length > 1 ? 0 : keptBytes(rows, grid, keepMaps) * targets
  const maps = image.height * image.width * (3 + 8 * targets) // the photo, and each target's map before and after smoothing
  return shared + batched + masks + kept + fused + targets * perTarget + maps
}

/** What one copy changes, where that is not the image. */
function copiedShape(copies: PlannedCopies, { layerTensor }: Pick<OutputSizes, 'layerTensor'>) {
  return copies.kind === 'masked' && copies.set.kind === 'ablations' ? layerTensor?.shape : undefined
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1)
}

/** The model's outputs but for the logits, each once, with the shape of one window's share. */
function outputShapes(
  { targets, grid, layerTensor }: Pick<ExplainSession, 'targets' | 'grid' | 'layerTensor'>,
  image: readonly number[],
) {
  const shapes = new Map<string, readonly number[]>()
  if (layerTensor !== undefined) shapes.set(layerTensor.name, layerTensor.shape)
  for (const target of targets) {
    if (target.kind === 'pixels') shapes.set(target.gradient, image)
    else if (target.kind === 'cam') {
      shapes.set(target.features, [target.channels, grid.height, grid.width])
      if (target.weights !== undefined) shapes.set(target.weights, [target.channels])
    }
  }
  return [...shapes].map(([name, shape]) => ({ name, shape }))
}

interface BufferSizes {
  readonly copies: PlannedCopies
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
  const made: Tensor[] = []
  const tensor = <D extends DType>(dtype: D, ...shape: number[]): Tensor<D> => {
    const allocated = new Tensor(device, dtype, shape)
    made.push(allocated)
    return allocated
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
    const masks =
      copies.kind === 'masked' ? allocateMasks({ set: copies.set, model, batch, image, tensor, output }) : undefined
    const sourceOf = sourcesOf({ copies, masks, batch, image, tensor, output })
    const copied = copiedShape(copies, model) ?? image
    return {
      band: tensor('float32', 3 * largestBand(plan.levels, window)),
      input: tensor('float32', batch, ...image),
      logits: tensor('float32', batch, classes),
      copy:
        copies.kind === 'none'
          ? undefined
          : { input: tensor('float32', batch, ...copied), logits: tensor('float32', batch, classes) },
      masks,
      outputs,
      scores: tensor('float64', plan.windows.length + 1, Math.max(1, sizes.targets), 2),
      perTarget: targets.map((target, t) => ({
        classes: tensor('int64', batch),
        coefficients: seeds[t]?.coefficients === undefined ? undefined : tensor('float32', batch, classes),
        source: sourceOf(target, t),
        maps: tensor('float32', held, grid.height, grid.width),
        peaks: tensor('float32', held),
      })),
      tensors: made,
    }
  } catch (error) {
    for (const allocated of made) allocated.dispose()
    throw error
  }
}

interface SourceAllocation {
  readonly copies: PlannedCopies
  readonly masks: MaskBuffers | undefined
  readonly batch: number
  readonly image: readonly number[]
  readonly tensor: <D extends DType>(dtype: D, ...shape: number[]) => Tensor<D>
  readonly output: (name: string) => Tensor<'float32'>
}

/** Makes what the maps of a target are reduced from. */
function sourcesOf({ copies, masks, batch, image, tensor, output }: SourceAllocation) {
  const ones = (channels: number): Tensor<'float32'> => {
    const weights = tensor('float32', batch, channels)
    weights.write(new Float32Array(batch * channels).fill(1))
    return weights
  }
  const weightsOf = (name: string | undefined, channels: number): Tensor<'float32'> => {
    if (copies.kind === 'masked') return tensor('float32', batch, copies.set.count)
    return name === undefined ? ones(channels) : output(name)
  }
  return (target: TargetOutputs, t: number): MapSource => {
    switch (target.kind) {
      case 'pixels': {
        const mean = copies.kind === 'none' ? undefined : tensor('float32', batch, ...image)
        return { kind: 'pixels', gradient: output(target.gradient), mean }
      }
      case 'cam': {
        const { rectify, channels } = target
        const groups = masks?.source.kind === 'groups' ? masks.source.perTarget[t]?.groups : undefined
        return {
          kind: 'cam',
          features: groups ?? output(target.features),
          weights: weightsOf(target.weights, channels),
          rectify,
        }
      }
      case 'masks': {
        if (copies.kind !== 'masked' || !(copies.set.kind === 'random' || copies.set.kind === 'squares')) {
          throw new RangeError('the model has no output that a map is made of')
        }
        const { count } = copies.set
        return { ...copies.set, weights: tensor('float32', batch, count) }
      }
    }
  }
}

/** A model's inputs: images, and what of its seeds it reads. */
export function inputsOf(
  model: Pick<ExplainSession, 'imageInput' | 'seeds' | 'session'>,
  images: Tensor<'float32'>,
  { perTarget }: Pick<Buffers, 'perTarget'>,
): Readonly<Record<string, Tensor>> {
  const read = new Set(model.session.inputs.map(({ name }) => name))
  const inputs: Record<string, Tensor> = { [model.imageInput]: images }
  for (const [t, { classes, coefficients }] of model.seeds.entries()) {
    const target = perTarget[t]
    if (target !== undefined && read.has(classes)) inputs[classes] = target.classes
    if (coefficients !== undefined && read.has(coefficients) && target?.coefficients) {
      inputs[coefficients] = target.coefficients
    }
  }
  return inputs
}

export function disposeBuffers({ tensors }: Buffers): void {
  for (const tensor of tensors) tensor.dispose()
}
