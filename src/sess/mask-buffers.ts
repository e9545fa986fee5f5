import type { DType, Tensor } from '../native.ts'
import type { ExplainSession } from './explain-session.ts'
import type { MaskSet } from './mask-set.ts'

/** What asking about masked copies of a batch writes to, besides each target's weights. */
export interface MaskBuffers {
  /** (batch x masks) x targets that are asked together x (logit, log p). */
  readonly answers: Tensor<'float64'>
  /** What answers are held against: batch x targets x (logit, log p). */
  readonly references: Tensor<'float64'>
  readonly source: MaskSource
}

/** What masks are made of. */
type MaskSource =
  /** `features`: batch x C x u x v; `ranges`: batch x C x (lowest, highest, variance). */
  | { readonly kind: 'activations'; readonly features: Tensor<'float32'>; readonly ranges: Tensor<'float32'> }
  | {
      readonly kind: 'groups'
      readonly ranges: Tensor<'float32'>
      /** batch x window. */
      readonly blurred: Tensor<'float32'>
      readonly perTarget: readonly GroupSource[]
    }
  /** `layer`: batch x the target layer as the graph has it; `axis`: of its channels. */
  | { readonly kind: 'ablations'; readonly layer: Tensor<'float32'>; readonly axis: number }
  | { readonly kind: 'drawn' }

/** batch x C x u x v, batch x C, batch x groups x u x v. */
export interface GroupSource {
  readonly activations: Tensor<'float32'>
  readonly weights: Tensor<'float32'>
  readonly groups: Tensor<'float32'>
}

interface MaskAllocation {
  readonly set: MaskSet
  readonly model: Pick<ExplainSession, 'targets' | 'grid' | 'layerTensor'>
  readonly batch: number
  /** One window's pixels, in the input's layout. */
  readonly image: readonly number[]
  readonly tensor: <D extends DType>(dtype: D, ...shape: number[]) => Tensor<D>
  /** The model's output of that name. */
  readonly output: (name: string) => Tensor<'float32'>
}

/** @throws SessError `OUT_OF_MEMORY` */
export function allocateMasks(allocation: MaskAllocation): MaskBuffers {
  const { set, model, batch, tensor } = allocation
  const targets = Math.max(1, model.targets.length)
  const together = set.kind === 'groups' ? 1 : targets
  return {
    answers: tensor('float64', batch * set.count, together, 2),
    references: tensor('float64', batch, targets, 2),
    source: allocateSource(allocation),
  }
}

function allocateSource({ set, model, batch, image, tensor, output }: MaskAllocation): MaskSource {
  const { height, width } = model.grid
  const [target] = model.targets
  switch (set.kind) {
    case 'activations':
      return {
        kind: 'activations',
        features: output(target?.kind === 'cam' ? target.features : ''),
        ranges: tensor('float32', batch, set.count, 3),
      }
    case 'groups':
      return {
        kind: 'groups',
        ranges: tensor('float32', batch, set.count, 3),
        blurred: tensor('float32', batch, ...image),
        perTarget: model.targets.map((each) => ({
          activations: output(each.kind === 'cam' ? each.features : ''),
          weights: output((each.kind === 'cam' ? each.weights : undefined) ?? ''),
          groups: tensor('float32', batch, set.count, height, width),
        })),
      }
    case 'ablations':
      return {
        kind: 'ablations',
        layer: output(model.layerTensor?.name ?? ''),
        axis: model.layerTensor?.channelAxis ?? 1,
      }
    case 'random':
    case 'squares':
      return { kind: 'drawn' }
  }
}

/** Bytes of these buffers and of the weights. `pixels`: values of one window, `cells`: of one channel of the layer. */
export function maskBytes(
  set: MaskSet,
  sizes: { readonly batch: number; readonly targets: number; readonly pixels: number; readonly cells: number },
): number {
  const { batch, targets, pixels, cells } = sizes
  const together = set.kind === 'groups' ? 1 : targets
  const answers = batch * 16 * (set.count * together + targets)
  const weights = batch * 4 * set.count * targets
  if (set.kind === 'activations') return answers + weights + batch * 12 * set.count
  if (set.kind === 'groups') {
    return answers + weights + batch * (12 * set.count + 4 * pixels + 4 * set.count * cells * targets)
  }
  return answers + weights
}
