import { contains } from '../../sess/geometry.ts'
import type { ReportDocument } from '../document.ts'
import { h } from './dom.ts'
import type { PhotoView } from './picture.ts'
import type { Point, ShownMap, Store } from './state.ts'
import { readFloats } from './unpack.ts'
import { windowDetail } from './window-detail.ts'
import { type ListedWindow, type Listing, listed, readWindows, type SortKey } from './window-list.ts'
import { WindowTable } from './window-table.ts'

/** The pyramid's levels and their windows, and which of them contain a place. */
export class WindowBrowser {
  readonly element = h('section', { class: 'windows', 'aria-labelledby': 'windows-title', hidden: true })
  readonly #report: ReportDocument
  readonly #picture: PhotoView
  readonly #tables: Uint8Array
  readonly #store: Store
  readonly #levels = h('fieldset', { class: 'levels' })
  readonly #filter = h('p', { class: 'filter' })
  readonly #detail = h('div', { 'aria-live': 'polite' })
  readonly #table: WindowTable
  #map: ShownMap | undefined
  /** The map that was asked for last. */
  #asked: ShownMap | undefined
  #windows: readonly ListedWindow[] = []
  #ownMaps: Float32Array | undefined
  #listing: Listing = { level: undefined, at: undefined, key: 'index', order: 'ascending' }
  #list: readonly ListedWindow[] = []
  #chosen: ListedWindow | undefined

  constructor(report: ReportDocument, picture: PhotoView, tables: Uint8Array, store: Store) {
    this.#report = report
    this.#picture = picture
    this.#tables = tables
    this.#store = store
    this.#table = new WindowTable({
      sort: (key) => this.#sort(key),
      choose: (window) => this.#choose(window === this.#chosen ? undefined : window),
    })
    this.element.append(
      h('h2', { id: 'windows-title' }, 'Windows'),
      this.#levels,
      this.#filter,
      this.#detail,
      this.#table.element,
    )
    store.onChange(({ colormap }, before) => {
      if (colormap !== before.colormap) this.#drawDetail()
    })
  }

  #drawDetail(): void {
    const chosen = this.#chosen
    const windows = this.#map?.windows
    if (chosen === undefined || windows === undefined) {
      this.#detail.replaceChildren()
      return
    }
    const { colormap } = this.#store.view
    const given = {
      report: this.#report,
      windows,
      photo: this.#picture.source,
      maps: this.#ownMaps,
      table: this.#tables.subarray(768 * colormap, 768 * (colormap + 1)),
    }
    this.#detail.replaceChildren(windowDetail(chosen, given))
  }

  /** Reads a map's windows; the section hides where it has none. */
  async show(map: ShownMap): Promise<void> {
    this.#asked = map
    const { windows } = map
    const list = windows === undefined ? [] : await readWindows(windows, this.#report.photo)
    const ownMaps = windows?.maps && (await readFloats(windows.maps.block))
    if (this.#asked !== map) return // another was chosen meanwhile
    this.#map = map
    this.#windows = list
    this.#ownMaps = ownMaps
    this.#chosen = undefined
    this.element.hidden = windows === undefined
    this.#drawLevels()
    const key = list.some(({ share }) => Number.isNaN(share)) ? 'weight' : 'share'
    this.#change({ level: undefined, at: undefined, key, order: 'descending' })
  }

  /** How many windows contain a pixel; undefined where they are not known. */
  countAt(at: Point): number | undefined {
    if (this.#map?.windows === undefined) return undefined
    return this.#windows.reduce((count, window) => count + (contains(window.box, at) ? 1 : 0), 0)
  }

  chooseAt(at: Point | undefined): void {
    if (this.#map?.windows !== undefined) this.#change({ ...this.#listing, at })
  }

  #sort(key: SortKey): void {
    const { key: before, order } = this.#listing
    const first = key === 'index' || key === 'level' ? 'ascending' : 'descending'
    const other = order === 'ascending' ? 'descending' : 'ascending'
    this.#change({ ...this.#listing, key, order: key === before ? other : first })
  }

  #change(listing: Listing): void {
    this.#listing = listing
    this.#list = listed(this.#windows, listing)
    this.#drawFilter()
    this.#draw()
  }

  #choose(window: ListedWindow | undefined): void {
    this.#chosen = window
    this.#draw()
  }

  #draw(): void {
    const { key, order, level } = this.#listing
    const chosen = this.#chosen
    this.#table.show({ windows: this.#list, key, order, chosen })
    const ofLevel = level === undefined ? [] : this.#windows.filter((window) => window.level === level)
    this.#store.set({ boxes: ofLevel.map(({ box }) => box), chosen: chosen?.box })
    this.#drawDetail()
  }

  #drawLevels(): void {
    const levels = this.#map?.windows?.levels ?? []
    const counts = levels.map(() => 0)
    for (const { level } of this.#windows) counts[level] = (counts[level] ?? 0) + 1
    const choice = (value: number | undefined, text: string) => {
      const input = h('input', { type: 'radio', name: 'level', checked: value === undefined })
      input.addEventListener('change', () => this.#change({ ...this.#listing, level: value }))
      return h('label', { class: 'chip' }, input, h('span', {}, text))
    }
    this.#levels.replaceChildren(
      h('legend', {}, 'Pyramid levels (windows)'),
      choice(undefined, `all (${this.#windows.length})`),
      ...levels.map(({ width, height }, i) => choice(i, `${i}: ${width} × ${height} (${counts[i]})`)),
    )
  }

  #drawFilter(): void {
    const { at } = this.#listing
    if (at === undefined) {
      this.#filter.replaceChildren('Click the photo to list the windows that contain a place.')
      return
    }
    const all = h('button', { type: 'button' }, 'List all')
    all.addEventListener('click', () => this.#change({ ...this.#listing, at: undefined }))
    this.#filter.replaceChildren(`Windows that contain (${at.x}, ${at.y}). `, all)
  }
}
