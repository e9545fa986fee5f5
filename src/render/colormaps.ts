import colormap from 'colormap'
import {
  interpolateCividis,
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateTurbo,
  interpolateViridis,
} from 'd3-scale-chromatic'
import { invalidOption } from '../error.ts'

/** 256 colours as CSS strings. */
type Colors = () => readonly string[]

// The perceptual maps come from d3: its tables are matplotlib's own 256 entries, where the colormap package draws
// them through nine anchors (up to 18 of 255 levels and a difference of 8 in CIELAB away).
const tables = {
  inferno: sampled(interpolateInferno),
  viridis: sampled(interpolateViridis),
  magma: sampled(interpolateMagma),
  plasma: sampled(interpolatePlasma),
  cividis: sampled(interpolateCividis),
  turbo: sampled(interpolateTurbo),
  jet: anchored('jet'),
  hot: anchored('hot'),
  bone: anchored('bone'),
  greys: anchored('greys'),
} satisfies Record<string, Colors>

export type ColormapName = keyof typeof tables

/** Names of the colour maps; the first is the default. The first five grow evenly in lightness. */
export const colormaps = Object.freeze(Object.keys(tables)) as readonly ColormapName[]

/** 256 x 3 sRGB bytes, from the lowest value to the highest. */
export function colormapTable(name: ColormapName): Uint8Array {
  if (!Object.hasOwn(tables, name)) throw invalidOption('colormap', name, `one of ${colormaps.join(', ')}`)
  return Uint8Array.from(tables[name]().flatMap(rgb))
}

function sampled(interpolate: (t: number) => string): Colors {
  return () => Array.from({ length: 256 }, (_, i) => interpolate(i / 255))
}

function anchored(name: string): Colors {
  return () => colormap<'hex'>({ colormap: name, nshades: 256, format: 'hex' })
}

/** `#rrggbb` or `rgb(r, g, b)`. */
function rgb(color: string): number[] {
  if (!color.startsWith('#')) return (color.match(/\d+/g) ?? []).map(Number)
  return [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16))
}
