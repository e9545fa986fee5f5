import type { SheetOptions } from './comparison.ts'
import { invalidOption, SessError } from './error.ts'
import type { Patches } from './patches.ts'
import { withProcessor } from './processor.ts'
import { checkColours } from './render/overlay.ts'
import { mostBeside, patchLayout } from './render/patches-layout.ts'
import { drawPatchesPage } from './render/patches-sheet.ts'
import { Picture } from './render/picture.ts'

/**
 * Every window of one explanation or several of one photo, beside each other, by scale: pages of 24 lines of pictures,
 * and below the last page's how scores and weights hold out, as charts and numbers.
 * @throws SessError `OPTION_INVALID` for none or over 10, for several photos, and where it would be over 100 pages
 */
export function patchPages(patches: readonly Patches[], { title, ...colours }: SheetOptions = {}): readonly Picture[] {
  checkColours(colours)
  const [first] = patches
  if (first === undefined || patches.length > mostBeside) {
    throw invalidOption('patches', `${patches.length} of them`, `1 to ${mostBeside} beside each other`)
  }
  if (patches.some(({ photo }) => photo.width !== first.photo.width || photo.height !== first.photo.height)) {
    throw new SessError('OPTION_INVALID', 'The explanations are of photos of different sizes; expected one photo.')
  }
  const layout = patchLayout(patches.map(({ scales }) => scales.map(({ pictures }) => pictures.length)))
  return layout.pages.map(
    (_, page) =>
      new Picture(() => withProcessor((device) => drawPatchesPage(device, { patches, layout, page, title, colours }))),
  )
}
