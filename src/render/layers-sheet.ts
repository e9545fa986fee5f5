import type { LayerMap, LayerMaps } from '../layer-maps.ts'
import { layerReasonText } from '../models/layer-reason.ts'
import type { Sheet, SheetCell, SheetRow } from './sheet.ts'

/** Pictures beside each other; more layers of one size take further rows. */
const columns = 4

/** What the sheet says: the photo first, then the layers from last to first, in rows of one size of grid. */
export function layersSheet(maps: LayerMaps, title?: string): Sheet {
  const { photo, model, method, target, chosen, layers } = maps
  const name = target.label ?? `class ${target.index}`
  const probability = Number.isFinite(target.probability) ? `${(100 * target.probability).toFixed(1)} %` : 'not finite'
  const rows = sizesOf(layers).flatMap((ofSize) => rowsOf(ofSize, chosen))
  const photoRow = { title: 'Photo', details: [], cells: [{ map: undefined, caption: [] }] }
  return {
    title: { text: `${title === undefined ? '' : `${title}: `}${name}`, tail: `, ${probability}` },
    subtitle: {
      text: `${method} at ${layers.length} layers of ${model}`,
      tail: `, ${photo.width} × ${photo.height} pixels`,
    },
    columns: [],
    rows: [photoRow, ...rows],
  }
}

/** Neighbours of one size of grid together. */
function sizesOf(layers: readonly LayerMap[]): readonly (readonly LayerMap[])[] {
  const groups: LayerMap[][] = []
  for (const one of layers) {
    const [last] = groups.at(-1) ?? []
    const isSame = last?.layer.height === one.layer.height && last.layer.width === one.layer.width
    if (isSame) groups.at(-1)?.push(one)
    else groups.push([one])
  }
  return groups
}

function rowsOf(layers: readonly LayerMap[], chosen: LayerMaps['chosen']): readonly SheetRow[] {
  const { height = 0, width = 0 } = layers[0]?.layer ?? {}
  return Array.from({ length: Math.ceil(layers.length / columns) }, (_, i) => ({
    title: `${height} × ${width}`,
    details: i === 0 ? [`${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`] : ['continued'],
    cells: layers
      .slice(i * columns, (i + 1) * columns)
      .map((one) => cellOf(one, one.layer.name === chosen?.name ? chosen : undefined)),
  }))
}

function cellOf(one: LayerMap, chosen: LayerMaps['chosen']): SheetCell {
  const channels = ` (${one.layer.channels} channels)`
  const caption = [
    { text: chosen ? `▶ chosen: ${one.layer.name}` : one.layer.name, tail: channels },
    ...(chosen ? [{ text: layerReasonText[chosen.reason] }] : []),
  ]
  if (one.kind === 'refused') return { map: undefined, caption: [...caption, { text: one.reason }] }
  const share =
    one.topShare === null ? [] : [{ text: `top 10 % of the pixels hold ${(100 * one.topShare).toFixed(1)} %` }]
  return { map: one.map, caption: [...caption, ...share] }
}
