import type { Evidence, SalientObject } from '../evidence.ts'
import type { Explanation } from '../explanation.ts'
import type { Photo } from '../io/photo.ts'
import { methodByName } from '../methods/index.ts'
import { printable } from '../printable.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import type { Blocks } from './blocks.ts'
import { contentOf, type ReportOptions } from './content.ts'
import type { ReportMap } from './document.ts'
import { groupOf, optionsGroup, planGroup, targetGroup, timingsGroup } from './facts.ts'
import { fileName } from './file-name.ts'
import { coloursOf, gridOf } from './map.ts'
import type { ReportContent } from './page.ts'
import { againOf } from './run-again.ts'
import { windowsOf } from './windows.ts'

export interface ExplanationReportOptions extends ReportOptions {
  /** Boxed in the photo, and numbered from 1. */
  readonly objects?: readonly SalientObject[] | undefined
}

/** One map, with all that is known of its windows. */
export async function explanationReport(
  photo: Photo,
  explanation: Explanation,
  evidence: Evidence,
  options: ExplanationReportOptions,
): Promise<ReportContent> {
  const { target, against, model, map, timings } = explanation
  const explained = explainedText(target, against)
  const story = {
    explained,
    subtitle: `${percentText(target.probability)}; ${nameOf(explanation)}; model ${model}`,
    groups: [targetGroup(target, against, map, model), timingsGroup(timings)],
    maps: async (blocks: Blocks) => [await mapOf(blocks, explanation, evidence, options)],
  }
  return await contentOf(photo, story, options)
}

async function mapOf(
  blocks: Blocks,
  explanation: Explanation,
  evidence: Evidence,
  { objects, origin, title, ...colours }: ExplanationReportOptions,
): Promise<ReportMap> {
  const { map, method, layer, plan, forwards, nonfinite, target, options } = explanation
  const facts = {
    method: methodByName(method).title,
    layer: options.layer === undefined ? `${layer} (the image)` : layer,
    'forward passes that ran': forwards,
    'windows left out (not finite)': nonfinite.length === 0 ? undefined : nonfinite.length,
  }
  return {
    kind: 'map',
    name: nameOf(explanation),
    groups: [groupOf('Method', facts), planGroup(plan), optionsGroup(options)],
    ...(await coloursOf(map, colours)),
    grid: await gridOf(blocks, map, 1),
    file: fileName(title, target.label ?? `class ${target.index}`),
    windows: await windowsOf(blocks, evidence, await explanation.topWindows(plan.windows.length)),
    objects: objects?.map(({ box, share, peak }) => ({ box, share, peak: peak.value })),
    again: againOf(options, origin),
  }
}

function nameOf({ method, options }: Explanation): string {
  const { title } = methodByName(method)
  return printable(options.sess ? `SESS + ${title}` : `${title} of the whole photo`)
}
