import type { HeldClass } from './against.ts'
import { drawsAtRandom, type Method } from './methods/method.ts'
import { type CopySettings, copiesWith } from './methods/settings.ts'
import type { TargetLayer } from './onnx/layers.ts'
import { type AgainstClass, type ExplainOptions, explainDefaults } from './options.ts'
import type { FusionOptions } from './sess/fusion.ts'
import type { PlannedCopies } from './sess/mask-set.ts'
import type { Plan } from './sess/plan.ts'

/**
 * Every choice behind an explanation, defaults included, as `explain` takes them: with the same model and photo they
 * make the same map. What the method, or a run without SESS, does not ask is undefined.
 */
export interface ResolvedOptions extends CopySettings {
  readonly method: string
  readonly layer: string | undefined
  readonly target: number
  readonly against: readonly AgainstClass[] | undefined
  readonly seed: number | undefined
  /** Lengths of the levels' shorter side. */
  readonly scales: readonly number[] | undefined
  readonly step: readonly [number, number] | undefined
  readonly preFilter: number | undefined
  readonly theta: number | undefined
  readonly fusion: 'mean' | 'max' | 'average' | undefined
  readonly smooth: undefined | false | { readonly size: number; readonly sigma: number }
  readonly sess: boolean
  readonly antialias: boolean | undefined
  readonly batch: number
  readonly maxWindows: number
  readonly maxPixels: number
  readonly keepMaps: boolean
}

/** What one target's explanation was made with. */
interface Choices {
  /** As they were given. */
  readonly options: ExplainOptions
  readonly method: Method
  /** The target layer that the method read. */
  readonly layer: TargetLayer | undefined
  readonly target: ResolvedOptions['target']
  readonly against: readonly HeldClass[]
  readonly copies: PlannedCopies
  readonly plan: Plan
  readonly fusion: FusionOptions
}

export function resolvedOptions(choices: Choices): ResolvedOptions {
  const { options, method, layer, target, against, copies, plan, fusion } = choices
  return {
    method: method.name,
    layer: layer?.name,
    target,
    against: against.length === 0 ? undefined : against.map(({ index, weight }) => ({ target: index, weight })),
    ...settingsOf(copies),
    seed: drawsAtRandom(copiesWith(method, options)) ? (options.seed ?? explainDefaults.seed) : undefined,
    sess: plan.sess,
    ...(plan.sess ? ofSess(plan, fusion) : unasked),
    batch: plan.batch,
    maxWindows: options.maxWindows ?? explainDefaults.maxWindows,
    maxPixels: options.maxPixels ?? explainDefaults.maxPixels,
    keepMaps: fusion.keepMaps,
  }
}

function ofSess({ scales, step, antialias }: Plan, { preFilter, theta, mode, smoothing }: FusionOptions) {
  return { scales, step, preFilter, theta, fusion: mode, smooth: smoothing ?? false, antialias } as const
}

/** The base view is the whole photo, antialiased, and its map the method's own. */
const unasked = {
  scales: undefined,
  step: undefined,
  preFilter: undefined,
  theta: undefined,
  fusion: undefined,
  smooth: undefined,
  antialias: undefined,
} as const

/** What the copies of a window were made with. */
function settingsOf(copies: PlannedCopies): CopySettings {
  if (copies.kind === 'none') return {}
  if (copies.kind !== 'masked') return { samples: copies.count }
  const { set } = copies
  switch (set.kind) {
    case 'activations':
      return { topChannels: set.top }
    case 'groups':
      return { groups: set.count, grouping: set.grouping }
    case 'ablations':
      return {}
    case 'random':
      return { masks: set.count, maskGrid: set.grid, keep: set.keep }
    case 'squares':
      return { square: set.side, stride: set.stride }
  }
}
