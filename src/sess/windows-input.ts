import type { Device, Preprocessing, Stream, Tensor } from '../native.ts'
import type { Chunk } from './chunks.ts'
import type { ExplainSession } from './explain-session.ts'
import type { PlannedCopies } from './mask-set.ts'
import type { Plan } from './plan.ts'
import type { Stopwatch } from './stopwatch.ts'

/** Everything that the passage of windows through a model needs. */
export interface WindowsInput {
  readonly device: Device
  readonly stream: Stream
  /** H x W x 3. */
  readonly photo: Tensor<'uint8'>
  readonly plan: Plan
  readonly model: ExplainSession
  readonly preprocessing: Preprocessing
  /** In the order of the model's seeds. */
  readonly targets: readonly WindowsTarget[]
  /** Asked for each window beside itself. */
  readonly copies: PlannedCopies
  /** Who answers masked copies, with logits alone; `model` unless given. */
  readonly asker?: ExplainSession | undefined
  /** Of what is drawn at random for the copies. */
  readonly seed: number
  readonly clock: Stopwatch
  /** Ends work that runs beside the stream. */
  readonly signal?: AbortSignal | undefined
  readonly onForwards: (done: number) => void
  /** The windows to run; all unless given. */
  readonly chosen?: ReadonlySet<number> | undefined
  readonly chunks: readonly Chunk[]
  /** Takes the maps of one chunk, target by target. */
  readonly onMaps: (target: number, maps: WindowMaps) => Promise<void>
}

/** What is explained: the logit of a class, plus, where there are coefficients, a weighted sum of all logits. */
interface WindowsTarget {
  /** -1: the argmax of the base view. */
  readonly target: number
  /** K; undefined where the model's seed takes none. */
  readonly coefficients: Float32Array | undefined
}

/** What forward passes leave of consecutive windows for one target. */
export interface WindowMaps {
  /** Index of the first window. */
  readonly first: number
  /** log p of each window, NaN where its logits are not finite. */
  readonly logProbability: Float64Array
  /** On the target layer's grid or at the window's pixels, windows x u x v; only until the callback's promise settles. */
  readonly maps: Tensor<'float32'>
  /** Each map's maximum, NaN where it is not finite. */
  readonly peaks: Float32Array
}
