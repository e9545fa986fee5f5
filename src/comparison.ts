import type { HeldClass } from './against.ts'
import type { ClassScore, ExplainedWindow, SaliencyMap } from './explanation.ts'
import type { Photo } from './io/photo.ts'
import { withProcessor } from './processor.ts'
import { comparisonSheet } from './render/comparison-sheet.ts'
import { type ColourOptions, checkColours } from './render/overlay.ts'
import { Picture } from './render/picture.ts'
import { drawSheet } from './render/sheet.ts'
import { comparisonReport, type SheetReportOptions } from './report/comparison-report.ts'
import { Report } from './report/report.ts'
import type { ResolvedOptions } from './resolved-options.ts'
import type { Plan } from './sess/plan.ts'

interface CellFacts {
  readonly method: string
  /** The method's name as papers write it. */
  readonly title: string
  /** The target layer; undefined for a method that reads none. */
  readonly layer: string | undefined
  readonly map: SaliencyMap
  /** Largest value of the map; 0 where the method found nothing. */
  readonly maximum: number
  /** Share of the map's sum that lies in the top 10 % of its pixels; null where the map is zero everywhere. */
  readonly topShare: number | null
  /** The target's probability: of the base view, or the largest of all windows. */
  readonly probability: number
  /** Forward passes that this map takes by itself; at most, where flat masks are not asked (`isMost`). */
  readonly forwards: number
  readonly isMost: boolean
  /** Of the forward passes, those that run only the part behind the target layer; 0 but for ablation-cam. */
  readonly headForwards: number
  /** What these take, in proportion to the passes that were run, and its own fusion. Loading is not in it. */
  readonly seconds: number
  /** What `explain` takes for this map. */
  readonly options: ResolvedOptions
  readonly plan: Plan
  /** Share of the windows that was dropped. */
  readonly preFilter: number
  /** Every window of the plan, by index. */
  readonly windows: readonly ExplainedWindow[]
  /** Windows dropped because logits or map were not finite. */
  readonly nonfinite: readonly number[]
}

/** The base method's own map. */
export interface BaseCell extends CellFacts {
  readonly kind: 'base'
}

/** The base method under SESS. */
export interface SessCell extends CellFacts {
  readonly kind: 'sess'
  readonly step: readonly [y: number, x: number]
  readonly fusion: 'mean' | 'max' | 'average'
}

/** One map of a comparison. */
export type ComparedCell = BaseCell | SessCell

interface ComparisonParts {
  readonly photo: Photo
  readonly model: string
  readonly target: ClassScore
  readonly against: readonly HeldClass[]
  readonly cells: readonly ComparedCell[]
  readonly forwards: number
  readonly seconds: number
}

export interface SheetOptions extends ColourOptions {
  /** What the sheet's title begins with, such as the photo's name. */
  readonly title?: string | undefined
}

/** Maps of several methods, steps and fusions on one photo. Plain data, but for the sheet drawn from it. */
export class Comparison {
  readonly photo: { readonly width: number; readonly height: number }
  readonly model: string
  readonly target: ClassScore
  /** The classes that it is held against; none is usual. */
  readonly against: readonly HeldClass[]
  /** Method by method, each with its base map first; then its steps, and for each step its fusions. */
  readonly cells: readonly ComparedCell[]
  /** Forward passes that were run: fewer than the cells' own together, as those that cells share are run once. */
  readonly forwards: number
  /** Wall time of the whole call. */
  readonly seconds: number
  readonly #photo: Photo

  constructor({ photo, model, target, against, cells, forwards, seconds }: ComparisonParts) {
    this.photo = { width: photo.width, height: photo.height }
    this.model = model
    this.target = target
    this.against = against
    this.cells = cells
    this.forwards = forwards
    this.seconds = seconds
    this.#photo = photo
  }

  /**
   * Rows are methods; columns are the photo, the base map, and SESS at each step and fusion.
   * @throws SessError `OPTION_INVALID`
   */
  sheet({ title, ...colours }: SheetOptions = {}): Picture {
    checkColours(colours)
    return new Picture(() =>
      withProcessor((device) => drawSheet(device, this.#photo, comparisonSheet(this, title), colours)),
    )
  }

  /**
   * One HTML file with every map of the comparison: opens offline, asks for nothing.
   * @throws SessError `OPTION_INVALID`
   */
  report(options: SheetReportOptions = {}): Report {
    checkColours(options)
    return new Report((signal) => comparisonReport(this.#photo, this, options, signal))
  }
}
