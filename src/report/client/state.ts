import type { ReportMap } from '../document.ts'
import type { Grid } from './paint.ts'

/** One map that can be shown, its values unpacked. */
export interface ShownMap extends ReportMap {
  readonly values: Grid
}

/** A pixel of the photo. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** A rectangle in the photo's pixels. */
export interface Box extends Point {
  readonly height: number
  readonly width: number
}

/** What the reader has chosen. */
export interface View {
  readonly map: ShownMap
  /** What is left of the divider: the photo, or another map. */
  readonly left: ShownMap | undefined
  /** Share of the width that is left of the divider, 0 to 1. */
  readonly divider: number
  readonly alpha: number
  readonly opacity: 'constant' | 'by-value'
  readonly colormap: number
  readonly objects: boolean
  /** Boxes of the level whose windows are browsed, and of the window that is chosen. */
  readonly boxes: readonly Box[]
  readonly chosen: Box | undefined
}

/** Holds what is chosen, and tells who draws it: once for all changes of one frame. */
export class Store {
  #view: View
  readonly #listeners: ((view: View, before: View) => void)[] = []
  #before: View | undefined

  constructor(view: View) {
    this.#view = view
  }

  get view(): View {
    return this.#view
  }

  set(change: Partial<View>): void {
    const isPending = this.#before !== undefined
    this.#before ??= this.#view
    this.#view = { ...this.#view, ...change }
    if (!isPending) requestAnimationFrame(() => this.#tell())
  }

  /** `listener` is called with what is and what was; at once, the first time. */
  onChange(listener: (view: View, before: View) => void): void {
    this.#listeners.push(listener)
    listener(this.#view, this.#view)
  }

  #tell(): void {
    const before = this.#before ?? this.#view
    this.#before = undefined
    for (const listener of this.#listeners) listener(this.#view, before)
  }
}
