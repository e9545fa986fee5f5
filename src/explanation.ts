import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { HeldClass } from './against.ts'
import type { ExplainerDevice } from './device.ts'
import { invalidOption } from './error.ts'
import { type SalientObject, salientObjects, type TopWindow, topWindowsOf } from './evidence.ts'
import type { Photo } from './io/photo.ts'
import type { Rect } from './native.ts'
import { checkObjects, type ObjectsOptions } from './objects.ts'
import { checkPatchesOptions, type Patches, type PatchesOptions, patchesOf } from './patches.ts'
import { withProcessor } from './processor.ts'
import type { Precision, Provenance } from './provenance.ts'
import { drawFigure } from './render/figure.ts'
import { checkColours, checkOverlay, type OverlayOptions } from './render/overlay.ts'
import { Picture } from './render/picture.ts'
import { type ExplanationReportOptions, explanationReport } from './report/explanation-report.ts'
import { Report } from './report/report.ts'
import type { ResolvedOptions } from './resolved-options.ts'
import type { FusedWindows } from './sess/fused-windows.ts'
import { photoBox } from './sess/geometry.ts'
import type { EstimatedPlan, Plan } from './sess/plan.ts'
import type { WindowScores } from './sess/scores.ts'
import type { Timings } from './sess/stopwatch.ts'

/** A saliency map: row-major, in [0, 1], at the photo's own size. */
export interface SaliencyMap {
  readonly data: Float32Array
  readonly width: number
  readonly height: number
}

/** A class and what the model says of it on the base view (the whole photo, resized to the window). */
export interface ClassScore {
  readonly index: number
  readonly label: string | undefined
  readonly logit: number
  readonly probability: number
}

/** One window of the plan and its part in the map. `x`, `y`, `width`, `height` are pixels of its level. */
export interface ExplainedWindow extends Rect {
  readonly index: number
  readonly level: number
  /** The same rectangle in the photo's pixels. */
  readonly box: Rect
  /** The target's probability in this window; NaN where the model's output is not finite. */
  readonly probability: number
  /** Probability over the largest of all windows. */
  readonly weight: number
  /** False: dropped by the pre-filter, or because logits or map are not finite. */
  readonly kept: boolean
}

/** What `explain` was asked for, resolved. */
interface ExplanationFacts {
  readonly model: string
  readonly method: string
  /** The target layer; for a method that reads none, the image's own input. */
  readonly layer: string
  /** The classes that the target is held against; none is usual. */
  readonly against: readonly HeldClass[]
  /** Rows and columns of the patches behind a layer of tokens. */
  readonly tokens: readonly [number, number] | undefined
  readonly options: ResolvedOptions
}

interface ExplanationParts extends ExplanationFacts {
  readonly provenance: Provenance
  readonly photo: Photo
  readonly map: Float32Array
  readonly target: ClassScore
  readonly plan: EstimatedPlan
  readonly windows: readonly ExplainedWindow[]
  readonly nonfinite: readonly number[]
  readonly forwards: number
  readonly timings: Timings
  readonly windowMaps: Float32Array | undefined
  readonly fused: FusedWindows | undefined
}

/** An overlay, and what is drawn on it. */
export interface ExplanationOverlayOptions extends OverlayOptions {
  /** Boxes in the photo's pixels, numbered from 1: objects, or top windows. */
  readonly boxes?: readonly { readonly box: Rect }[] | undefined
}

/** Every window of the plan with its part in the map; the event loop gets its turn each thousand. */
export async function explainedWindows(plan: Plan, scores: WindowScores): Promise<readonly ExplainedWindow[]> {
  const kept = new Set(scores.kept)
  const explained: ExplainedWindow[] = []
  for (const window of plan.windows) {
    if (window.index % 1024 === 1023) await yieldToLoop()
    const { index, level, y, x } = window
    explained.push({
      index,
      level,
      y,
      x,
      height: plan.window.height,
      width: plan.window.width,
      box: photoBox(window, plan.window, plan.levels[window.level] ?? plan.image, plan.image),
      probability: scores.probability[window.index] ?? Number.NaN,
      weight: scores.weight[window.index] ?? 0,
      kept: kept.has(window.index),
    })
  }
  return explained
}

/** Where in the photo one class came from. Plain data, but for the pictures drawn from it. */
export class Explanation implements ExplanationFacts {
  readonly map: SaliencyMap
  readonly target: ClassScore
  /** Every window of the plan, by index. */
  readonly windows: readonly ExplainedWindow[]
  /** Windows whose logits or map were not finite: dropped from the map. */
  readonly nonfinite: readonly number[]
  readonly plan: EstimatedPlan
  /** Forward passes that ran: at most those of the plan, for masks that are flat need none. */
  readonly forwards: number
  readonly timings: Timings
  readonly model: string
  readonly method: string
  readonly layer: string
  readonly against: readonly HeldClass[]
  readonly tokens: readonly [number, number] | undefined
  readonly options: ResolvedOptions
  /** What it was computed on, and in what precision. */
  readonly device: ExplainerDevice
  readonly computePrecision: Precision
  /** With `keepMaps`: each kept window's own map in [0, 1], kept x window height x window width. */
  readonly windowMaps: Float32Array | undefined
  readonly #photo: Photo
  readonly #provenance: Provenance
  readonly #fused: FusedWindows | undefined

  constructor(parts: ExplanationParts) {
    this.map = { data: parts.map, width: parts.photo.width, height: parts.photo.height }
    this.target = parts.target
    this.windows = parts.windows
    this.nonfinite = parts.nonfinite
    this.plan = parts.plan
    this.forwards = parts.forwards
    this.timings = parts.timings
    this.model = parts.model
    this.method = parts.method
    this.layer = parts.layer
    this.against = parts.against
    this.tokens = parts.tokens
    this.options = parts.options
    this.device = parts.provenance.model.device
    this.computePrecision = parts.provenance.model.precision
    this.windowMaps = parts.windowMaps
    this.#photo = parts.photo
    this.#provenance = parts.provenance
    this.#fused = parts.fused
  }

  /**
   * The windows that carry the map: at most `n`, the largest share of its energy first. Its time grows with the photo
   * and the number of windows, like the fusion's.
   * @throws SessError `OPTION_INVALID`
   */
  async topWindows(n = 10): Promise<readonly TopWindow[]> {
    return await withProcessor((device) => topWindowsOf(device, this.#evidence(), n))
  }

  /**
   * The connected parts of the map at or above a share of its maximum (pixels that touch by side or corner), each with
   * the window that saw it best; the largest share of the energy first.
   * @throws SessError `OPTION_INVALID`
   */
  async objects(options: ObjectsOptions = {}): Promise<readonly SalientObject[]> {
    checkObjects(options)
    return await withProcessor((device) => salientObjects(device, this.#evidence(), this.map, options))
  }

  /**
   * Every window by scale, small, with its own map and weight, and how scores hold out against scale and occlusion; it
   * takes `keepMaps`. `patchPages` draws it, beside those of other models and methods.
   * @throws SessError `OPTION_INVALID`, `ABORTED`
   */
  async patches(options: PatchesOptions = {}): Promise<Patches> {
    checkPatchesOptions(options)
    return await withProcessor((device) => patchesOf(device, this.#photo, this, options))
  }

  /**
   * Writes a bundle, from which `verify` makes the same map again: a folder with the map, the options, and the hashes of
   * photo and model. Whole or not at all; a bundle that is there is replaced.
   * @throws SessError `OUTPUT_UNWRITABLE`, `ABORTED`; `CHECKSUM_MISMATCH` where photo or model have changed since
   */
  async toBundle(path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { writeBundle } = await import('./bundle/write.ts')
    await writeBundle(path, { explanation: this, photo: this.#photo, provenance: this.#provenance }, options.signal)
  }

  #evidence() {
    return { plan: this.plan, windows: this.windows, fused: this.#fused }
  }

  /**
   * The photo under the colours of its map, at the photo's own resolution, with colour bar and caption below it unless
   * `caption` is false. The photo's pixel (x, y) is the picture's, but with `beside`, where the photo comes first.
   * @throws SessError `OPTION_INVALID`
   */
  overlay({ boxes = [], ...options }: ExplanationOverlayOptions = {}): Picture {
    checkOverlay(options)
    return new Picture(async () => {
      const rects = boxes.map(({ box }) => box)
      return await withProcessor((device) =>
        drawFigure(device, this.#photo, this.map, this, { ...options, boxes: rects }),
      )
    })
  }

  /**
   * One HTML file with photo, map, windows and all that is known of the run: opens offline, asks for nothing.
   * @throws SessError `OPTION_INVALID`
   */
  report(options: ExplanationReportOptions = {}): Report {
    checkColours(options)
    const { beside = [], info, origin } = options
    const { height, width } = this.#photo
    if (beside.some(({ explanation: { map } }) => map.height !== height || map.width !== width)) {
      throw invalidOption(
        'beside',
        'explanations of another photo',
        `explanations of the same one, ${width} x ${height}`,
      )
    }
    const others = beside.map((one) => ({ ...one, evidence: one.explanation.#evidence() }))
    const own = { explanation: this, evidence: this.#evidence(), info, origin }
    return new Report((signal) => explanationReport(this.#photo, [own, ...others], options, signal))
  }
}
