import type { Evidence, SalientObject } from '../evidence.ts'
import type { Explanation } from '../explanation.ts'
import type { Photo } from '../io/photo.ts'
import { methodByName } from '../methods/index.ts'
import { peakPixel } from '../metrics/peak.ts'
import { robustness } from '../metrics/robustness.ts'
import { printable } from '../printable.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import type { Blocks } from './blocks.ts'
import { wholeAgain } from './comparison-report.ts'
import { contentOf, type ReportOptions } from './content.ts'
import type { FactGroup, ReportMap } from './document.ts'
import { groupOf, modelGroup, optionsGroup, planGroup, targetGroup, timingsGroup } from './facts.ts'
import { fileName } from './file-name.ts'
import { coloursOf, gridOf } from './map.ts'
import type { ReportContent } from './page.ts'
import { againOf } from './run-again.ts'
import { windowsOf } from './windows.ts'

/** An explanation of the same photo by another model or method. */
export interface BesideExplanation extends Pick<ReportOptions, 'info' | 'origin'> {
  readonly explanation: Explanation
}

export interface ExplanationReportOptions extends ReportOptions {
  /** Boxed in the photo, and numbered from 1. */
  readonly objects?: readonly SalientObject[] | undefined
  /** Shown beside it, each with a map of its own. */
  readonly beside?: readonly BesideExplanation[] | undefined
  /** The command line that makes all of them again. */
  readonly command?: string | undefined
}

/** An explanation that a report shows, and what is known of its windows. */
interface ReportedExplanation extends BesideExplanation {
  readonly evidence: Evidence
}

/** One map with all that is known of its windows, and one for each explanation beside it. */
export async function explanationReport(
  photo: Photo,
  shown: readonly [ReportedExplanation, ...ReportedExplanation[]],
  options: ExplanationReportOptions,
  signal?: AbortSignal,
): Promise<ReportContent> {
  const [{ explanation }] = shown
  const { target, against, model, map, timings } = explanation
  const isAlone = shown.length === 1
  const explained = [...new Set(shown.map((one) => explainedText(one.explanation.target, one.explanation.against)))]
  const models = [...new Set(shown.map((one) => one.explanation.model))].join(', ')
  const what = isAlone ? nameOf(explanation) : `${shown.length} maps`
  const story = {
    explained: explained.join(', '),
    subtitle: `${isAlone ? `${percentText(target.probability)}; ` : ''}${what}; ${models === model ? 'model' : 'models'} ${models}`,
    groups: isAlone ? [targetGroup(target, against, map, model), timingsGroup(timings)] : [],
    again: wholeAgain(options),
    maps: async (blocks: Blocks) => {
      const maps: ReportMap[] = []
      for (const one of shown) maps.push(await mapOf(blocks, one, shown, options))
      return maps
    },
  }
  return await contentOf(photo, story, isAlone ? options : { ...options, info: undefined }, signal)
}

async function mapOf(
  blocks: Blocks,
  { explanation, evidence, info, origin }: ReportedExplanation,
  shown: readonly ReportedExplanation[],
  { objects, title, ...colours }: ExplanationReportOptions,
): Promise<ReportMap> {
  const { map, method, layer, plan, forwards, nonfinite, target, against, model, options, timings } = explanation
  const facts = {
    method: methodByName(method).title,
    layer: options.layer === undefined ? `${layer} (the image)` : layer,
    'forward passes that ran': forwards,
    'windows left out (not finite)': nonfinite.length === 0 ? undefined : nonfinite.length,
  }
  const isAlone = shown.length === 1
  const ofModel = info === undefined ? [] : [modelGroup(info)]
  const own = isAlone ? [] : [targetGroup(target, against, map, model), ...ofModel, timingsGroup(timings)]
  const robust = plan.sess ? [await robustnessGroup(explanation)] : []
  const label = target.label ?? `class ${target.index}`
  return {
    kind: 'map',
    name: isAlone ? nameOf(explanation) : `${printable(model)}, ${nameOf(explanation)}`,
    groups: [groupOf('Method', facts), ...robust, ...own, planGroup(plan), optionsGroup(options)],
    ...(await coloursOf(map, colours)),
    grid: await gridOf(blocks, map, shown.length),
    file: isAlone ? fileName(title, label) : fileName(title, label, model, method),
    windows: await windowsOf(blocks, evidence, shown.length, await explanation.topWindows(plan.windows.length)),
    objects: explanation === shown[0]?.explanation ? objects?.map(objectOf) : undefined,
    again: againOf(options, origin),
  }
}

function objectOf({ box, share, peak }: SalientObject) {
  return { box, share, peak: peak.value }
}

/** How scores hold out against what windows cut off. */
async function robustnessGroup({ plan, windows, map }: Explanation): Promise<FactGroup> {
  const { best, peak, atPeak } = await robustness(plan.scales, windows, await peakPixel(map.data, map.width))
  return groupOf('Robustness', {
    'best score of a window': best === null ? undefined : percentText(best.score),
    "the map's highest pixel": peak === null ? 'none, it is zero everywhere' : `(${peak.x}, ${peak.y})`,
    'windows that contain it': peak === null ? undefined : atPeak.windows,
    'of these over half the best score':
      atPeak.share === null ? undefined : `${atPeak.high} (${percentText(atPeak.share)})`,
  })
}

function nameOf({ method, options }: Explanation): string {
  const { title } = methodByName(method)
  return printable(options.sess ? `SESS + ${title}` : `${title} of the whole photo`)
}
