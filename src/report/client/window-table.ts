import { percentText } from '../../render/class-text.ts'
import { h, setAttributes } from './dom.ts'
import { number } from './value.ts'
import type { ListedWindow, SortKey } from './window-list.ts'

/** Rows of a page: thousands of windows stay quick to draw. */
const rowsOfPage = 25

interface Column {
  readonly title: string
  readonly key?: SortKey
  readonly text: (window: ListedWindow) => string
}

/** What is looked for first: on a narrow page the last columns are reached by scrolling. */
const columns: readonly Column[] = [
  { title: 'Share', key: 'share', text: ({ share }) => (Number.isNaN(share) ? '-' : percentText(share)) },
  { title: 'Probability', key: 'probability', text: ({ probability }) => percentText(probability) },
  {
    title: 'Weight',
    key: 'weight',
    text: ({ weight, isKept }) => (isKept ? number(weight) : `${number(weight)}, left out`),
  },
  { title: 'Level', key: 'level', text: ({ level }) => String(level) },
  {
    title: 'Box in the photo',
    text: ({ box: { x, y, width, height } }) =>
      `${Math.round(width)} × ${Math.round(height)} at ${Math.round(x)}, ${Math.round(y)}`,
  },
]

interface Shown {
  readonly windows: readonly ListedWindow[]
  readonly key: SortKey
  readonly order: 'ascending' | 'descending'
  readonly chosen: ListedWindow | undefined
}

interface Actions {
  readonly sort: (key: SortKey) => void
  readonly choose: (window: ListedWindow) => void
}

/** Windows in pages, each row a choice. */
export class WindowTable {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #body = h('tbody')
  readonly #heads = new Map<SortKey, HTMLElement>()
  readonly #caption = h('caption')
  readonly #pages = h('div', { class: 'pages' })
  #page = 0
  #shown: Shown | undefined

  constructor(actions: Actions) {
    this.#actions = actions
    const head = h(
      'tr',
      {},
      this.#head({ title: 'Window', key: 'index' }),
      ...columns.map((column) => this.#head(column)),
    )
    const table = h('table', {}, this.#caption, h('thead', {}, head), this.#body)
    const scroller = h(
      'div',
      { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': 'Table of windows' },
      table,
    )
    this.element = h('div', {}, scroller, this.#pages)
  }

  /** From the first page on, unless only the choice is another. */
  show(shown: Shown): void {
    if (shown.windows !== this.#shown?.windows) this.#page = 0
    this.#shown = shown
    this.#draw()
  }

  #head({ title, key }: Pick<Column, 'title' | 'key'>): HTMLElement {
    if (key === undefined) return h('th', { scope: 'col' }, title)
    const button = h('button', { type: 'button', class: 'sort' }, title)
    button.addEventListener('click', () => this.#actions.sort(key))
    const cell = h('th', { scope: 'col' }, button)
    this.#heads.set(key, cell)
    return cell
  }

  #draw(): void {
    if (this.#shown === undefined) return
    const { windows, key, order, chosen } = this.#shown
    for (const [name, cell] of this.#heads) setAttributes(cell, { 'aria-sort': name === key ? order : undefined })
    const first = this.#page * rowsOfPage
    const rows = windows.slice(first, first + rowsOfPage)
    this.#caption.textContent =
      windows.length === 0
        ? 'No window'
        : `${first + 1} to ${first + rows.length} of ${windows.length} ${windows.length === 1 ? 'window' : 'windows'}`
    const focused = this.#body.contains(document.activeElement)
    this.#body.replaceChildren(...rows.map((window) => this.#row(window, window === chosen)))
    if (focused) this.#body.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus()
    this.#turn(Math.ceil(windows.length / rowsOfPage))
  }

  #row(window: ListedWindow, isChosen: boolean): HTMLElement {
    const button = h(
      'button',
      { type: 'button', class: 'choice', 'aria-pressed': String(isChosen) },
      String(window.index),
    )
    const cells = columns.map(({ text }) => h('td', {}, text(window)))
    const row = h('tr', { class: isChosen ? 'chosen' : undefined }, h('th', { scope: 'row' }, button), ...cells)
    row.addEventListener('click', () => this.#actions.choose(window))
    return row
  }

  #turn(pages: number): void {
    const to = (page: number, label: string) => {
      const button = h('button', { type: 'button', disabled: page < 0 || page >= pages }, label)
      button.addEventListener('click', () => {
        this.#page = page
        this.#draw()
        for (const one of this.#pages.querySelectorAll('button'))
          if (one.textContent === label && !one.disabled) one.focus()
      })
      return button
    }
    const buttons =
      pages > 1
        ? [
            to(this.#page - 1, 'Previous'),
            h('span', {}, `page ${this.#page + 1} of ${pages}`),
            to(this.#page + 1, 'Next'),
          ]
        : []
    this.#pages.replaceChildren(...buttons)
  }
}
