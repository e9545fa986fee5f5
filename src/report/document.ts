// What a report's page is made from, as plain data: written by the package, read in the browser.

/** Something stated, as a line of a list. Text, never markup. */
export interface Fact {
  readonly name: string
  readonly value: string
}

export interface FactGroup {
  readonly title: string
  readonly facts: readonly Fact[]
}

/** What makes the same again: a shell's command line, or a call of the library. */
export interface Again {
  readonly kind: 'command' | 'call'
  readonly text: string
}

/** Names a block of bytes that stands in the page beside the document (`page.ts`). */
export type BlockId = string

interface Size {
  readonly height: number
  readonly width: number
}

interface Rect extends Size {
  readonly y: number
  readonly x: number
}

/** A map's values: float32, row-major. Each is the mean of `factor` x `factor` pixels, fewer at the lower and right edge. */
interface MapGrid extends Size {
  readonly factor: number
  readonly block: BlockId
}

/** An object of the map, numbered from 1 in their order. */
interface ReportObject {
  readonly box: Rect
  readonly share: number
  readonly peak: number
}

/** Columns of the windows' block, each `count` values long, in this order. */
export const windowColumns = ['level', 'y', 'x', 'probability', 'weight', 'share', 'kept', 'row'] as const

/** The pyramid and its windows. `y` and `x` are of the level's pixels; NaN where a number is not known. */
export interface ReportWindows {
  readonly window: Size
  readonly levels: readonly Size[]
  readonly count: number
  readonly block: BlockId
  /** The windows' own maps on the layer's grid, rows x u x v; left out where they are too many. */
  readonly maps?: (Size & { readonly block: BlockId; readonly rectify: boolean }) | undefined
}

/** One map over the photo. */
export interface ReportMap {
  readonly kind: 'map'
  readonly name: string
  readonly groups: readonly FactGroup[]
  /** Values at both ends of the colours. */
  readonly range: readonly [low: number, high: number]
  /** Its largest value; 0: there is nothing to paint. */
  readonly maximum: number
  readonly grid: MapGrid
  /** Name of the `.npy` that the page offers. */
  readonly file: string
  readonly windows?: ReportWindows | undefined
  readonly objects?: readonly ReportObject[] | undefined
  readonly again: Again
}

/** A map that could not be made, and why. */
export interface RefusedMap {
  readonly kind: 'refused'
  readonly name: string
  readonly groups: readonly FactGroup[]
  readonly reason: string
}

export interface ReportDocument {
  readonly title: string
  readonly subtitle: string
  readonly photo: Size & {
    readonly name: string
    /** Size at which it is embedded. */
    readonly shown: Size
    readonly type: string
    readonly block: BlockId
  }
  readonly colours: {
    readonly colormap: string
    readonly alpha: number
    readonly opacity: 'constant' | 'by-value'
  }
  /** 256 x 3 bytes each, one after the other in the block. */
  readonly colormaps: { readonly names: readonly string[]; readonly block: BlockId }
  readonly groups: readonly FactGroup[]
  /** Of the whole; each map has its own. */
  readonly again?: Again | undefined
  readonly maps: readonly (ReportMap | RefusedMap)[]
}
