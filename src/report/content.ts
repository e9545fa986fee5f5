import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { Photo } from '../io/photo.ts'
import { printable } from '../printable.ts'
import { withProcessor } from '../processor.ts'
import { colormaps, colormapTable } from '../render/colormaps.ts'
import { drawPhoto } from '../render/draw.ts'
import { type ColourOptions, overlayDefaults } from '../render/overlay.ts'
import { Blocks } from './blocks.ts'
import type { Again, FactGroup, RefusedMap, ReportMap } from './document.ts'
import { type ModelInfo, modelGroup, versionsGroup } from './facts.ts'
import type { ReportContent } from './page.ts'
import { encodedPhoto } from './photo.ts'
import type { Origin } from './run-again.ts'

/** How a report shows its maps, and what it says of where they come from. */
export interface ReportOptions extends ColourOptions {
  /** The photo's name. */
  readonly title?: string | undefined
  /** `explainer.info`: with it the report tells the model's input and the device. */
  readonly info?: ModelInfo | undefined
  /** With it the report has the command that makes it again, else a call of the library. */
  readonly origin?: Origin | undefined
}

/** What a report has besides the photo. */
interface ReportStory {
  /** What the maps explain. */
  readonly explained: string
  readonly subtitle: string
  readonly groups: readonly FactGroup[]
  readonly again?: Again | undefined
  readonly maps: (blocks: Blocks) => Promise<readonly (ReportMap | RefusedMap)[]>
}

export async function contentOf(
  photo: Photo,
  story: ReportStory,
  options: ReportOptions,
  signal: AbortSignal | undefined,
): Promise<ReportContent> {
  const { title = 'photo', info, colormap = overlayDefaults.colormap } = options
  const { alpha = overlayDefaults.alpha, opacity = overlayDefaults.opacity } = options
  const blocks = new Blocks(signal)
  const encoded = await encodedPhoto(await withProcessor((device) => drawPhoto(device, photo)))
  const name = printable(title)
  const document = {
    title: `${name}: ${printable(story.explained)}`,
    subtitle: printable(story.subtitle),
    photo: {
      name,
      width: photo.width,
      height: photo.height,
      shown: encoded.shown,
      type: encoded.type,
      block: blocks.bytes(encoded.bytes),
    },
    colours: { colormap, alpha, opacity },
    colormaps: { names: colormaps, block: blocks.bytes(await colormapTables()) },
    groups: [...story.groups, ...(info === undefined ? [] : [modelGroup(info)]), await versionsGroup()],
    again: story.again,
    maps: await story.maps(blocks),
  }
  return { document, blocks: blocks.all }
}

/** The tables of all colour maps, one after the other. */
async function colormapTables(): Promise<Uint8Array> {
  const tables: Uint8Array[] = []
  for (const name of colormaps) {
    tables.push(colormapTable(name))
    await yieldToLoop()
  }
  return Buffer.concat(tables)
}
