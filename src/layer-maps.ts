import type { HeldClass } from './against.ts'
import type { SheetOptions } from './comparison.ts'
import { SessError } from './error.ts'
import type { ClassScore, Explanation, SaliencyMap } from './explanation.ts'
import { decode } from './io/decode.ts'
import type { ImageSource, Photo } from './io/photo.ts'
import { topShare } from './metrics/energy.ts'
import type { LayerReason } from './models/layer-reason.ts'
import type { TargetLayer } from './onnx/layers.ts'
import { type ExplainOptions, explainDefaults, type LayersOptions, type Target } from './options.ts'
import { withProcessor } from './processor.ts'
import { layersSheet } from './render/layers-sheet.ts'
import { checkColours, checkOverlay, peakOf } from './render/overlay.ts'
import { Picture } from './render/picture.ts'
import { drawSheet } from './render/sheet.ts'
import type { SheetReportOptions } from './report/comparison-report.ts'
import { layersReport } from './report/layers-report.ts'
import { Report } from './report/report.ts'
import type { ResolvedOptions } from './resolved-options.ts'

/** The base method's map, or why there is none. */
type MapAtLayer =
  | {
      readonly kind: 'map'
      readonly map: SaliencyMap
      readonly maximum: number
      /** Share of the map's sum that lies in the top 10 % of its pixels; null where the map is zero everywhere. */
      readonly topShare: number | null
      /** What `explain` takes for this map. */
      readonly options: ResolvedOptions
    }
  | { readonly kind: 'refused'; readonly reason: string }

export type LayerMap = MapAtLayer & { readonly layer: TargetLayer }

interface ChosenLayer {
  readonly name: string
  readonly reason: LayerReason
}

interface LayerMapsParts {
  readonly photo: Photo
  readonly model: string
  readonly method: string
  readonly target: ClassScore
  readonly against: readonly HeldClass[]
  readonly chosen: ChosenLayer | undefined
  readonly layers: readonly LayerMap[]
}

/** The base method's map at every layer that it can read. Plain data, but for the sheet drawn from it. */
export class LayerMaps {
  readonly photo: { readonly width: number; readonly height: number }
  readonly model: string
  readonly method: string
  readonly target: ClassScore
  /** The classes that it is held against; none is usual. */
  readonly against: readonly HeldClass[]
  /** The layer that is explained where none is named, and why it is that; undefined where the graph has none. */
  readonly chosen: ChosenLayer | undefined
  /** The last layer first. */
  readonly layers: readonly LayerMap[]
  readonly #photo: Photo

  constructor({ photo, model, method, target, against, chosen, layers }: LayerMapsParts) {
    this.photo = { width: photo.width, height: photo.height }
    this.model = model
    this.method = method
    this.target = target
    this.against = against
    this.chosen = chosen
    this.layers = layers
    this.#photo = photo
  }

  /**
   * A row for each size of the layers' grids, the chosen layer marked.
   * @throws SessError `OPTION_INVALID`
   */
  sheet({ title, ...overlay }: SheetOptions = {}): Picture {
    checkOverlay(overlay)
    return new Picture(() =>
      withProcessor((device) => drawSheet(device, this.#photo, layersSheet(this, title), overlay)),
    )
  }

  /**
   * One HTML file with every layer's map: opens offline, asks for nothing.
   * @throws SessError `OPTION_INVALID`
   */
  report(options: SheetReportOptions = {}): Report {
    checkColours(options)
    return new Report((signal) => layersReport(this.#photo, this, options, signal))
  }
}

/** Explains one target, as `Explainer.explain` does. */
type ExplainOne = (photo: Photo, options: ExplainOptions & { readonly target: Target }) => Promise<Explanation>

interface LayersOfModel {
  readonly chosen: ChosenLayer | undefined
  /** The layers to explain at, the last first. */
  readonly candidates: readonly TargetLayer[]
}

/** @throws SessError as `Explainer.explain` */
export async function layerMaps(
  { chosen, candidates }: LayersOfModel,
  explainOne: ExplainOne,
  image: ImageSource,
  options: LayersOptions,
): Promise<LayerMaps> {
  const { target: asked = explainDefaults.target, onProgress, ...rest } = options
  const photo = await decode(image, options)
  const total = candidates.length
  // At the chosen layer first: what it finds to be the top-1 holds for all
  const whole = await explainOne(photo, { ...rest, target: asked, sess: false })
  const { target, against, model, method } = whole
  const layers: LayerMap[] = []
  for (const [done, layer] of candidates.entries()) {
    onProgress?.({ done, total, phase: 'inference' })
    const one = { ...rest, target: target.index, layer: layer.name, sess: false }
    layers.push({ layer, ...(await mapOf(() => explainOne(photo, one))) })
  }
  onProgress?.({ done: total, total, phase: 'fusion' })
  return new LayerMaps({ photo, model, method, target, against, chosen, layers })
}

async function mapOf(explain: () => Promise<Explanation>): Promise<MapAtLayer> {
  try {
    const { map, options } = await explain()
    const found = { maximum: await peakOf(map.data), topShare: await topShare(map.data, 10) }
    return { kind: 'map', map, ...found, options }
  } catch (error) {
    // A gradient that does not get to one layer leaves the others
    if (!(error instanceof SessError && /^(MODEL|METHOD)_UNSUPPORTED$/.test(error.code))) throw error
    return { kind: 'refused', reason: error.message }
  }
}
