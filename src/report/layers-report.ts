import type { Photo } from '../io/photo.ts'
import type { LayerMap, LayerMaps } from '../layer-maps.ts'
import { methodByName } from '../methods/index.ts'
import { layerReasonText } from '../models/layer-reason.ts'
import { printable } from '../printable.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import type { Blocks } from './blocks.ts'
import { type SheetReportOptions, wholeAgain } from './comparison-report.ts'
import { contentOf } from './content.ts'
import type { FactGroup, RefusedMap, ReportMap } from './document.ts'
import { groupOf, optionsGroup, targetGroup } from './facts.ts'
import { fileName } from './file-name.ts'
import { coloursOf, gridOf } from './map.ts'
import type { ReportContent } from './page.ts'
import { againOf } from './run-again.ts'

/** A map for each layer. */
export async function layersReport(
  photo: Photo,
  maps: LayerMaps,
  options: SheetReportOptions,
  signal?: AbortSignal,
): Promise<ReportContent> {
  const { target, against, model, method, layers } = maps
  const { title } = methodByName(method)
  const story = {
    explained: explainedText(target, against),
    subtitle: `${percentText(target.probability)}; ${title} at ${layers.length} layers; model ${model}`,
    groups: [targetGroup(target, against, photo, model)],
    again: wholeAgain(options),
    maps: async (blocks: Blocks) => {
      const shown: (ReportMap | RefusedMap)[] = []
      for (const one of layers) shown.push(await mapOf(blocks, one, maps, options))
      return shown
    },
  }
  return await contentOf(photo, story, options, signal)
}

async function mapOf(
  blocks: Blocks,
  one: LayerMap,
  { layers, chosen, method }: LayerMaps,
  { origin, title, ...colours }: SheetReportOptions,
): Promise<ReportMap | RefusedMap> {
  const isChosen = one.layer.name === chosen?.name
  const name = printable(isChosen ? `▶ ${one.layer.name}` : one.layer.name)
  const group = layerGroup(one, isChosen ? chosen : undefined)
  if (one.kind === 'refused') return { kind: 'refused', name, groups: [group], reason: printable(one.reason) }
  return {
    kind: 'map',
    name,
    groups: [group, optionsGroup(one.options)],
    ...(await coloursOf(one.map, colours)),
    grid: await gridOf(blocks, one.map, layers.length),
    file: fileName(title, method, one.layer.name),
    again: againOf(one.options, origin),
  }
}

function layerGroup(one: LayerMap, chosen: LayerMaps['chosen']): FactGroup {
  const { name, channels, height, width } = one.layer
  const share = one.kind === 'map' && one.topShare !== null ? percentText(one.topShare) : undefined
  return groupOf('Layer', {
    name,
    grid: `${height} × ${width}`,
    channels,
    chosen: chosen && layerReasonText[chosen.reason],
    'in the top 10 % of the pixels': share,
  })
}
