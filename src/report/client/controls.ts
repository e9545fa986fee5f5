import type { ReportDocument } from '../document.ts'
import { context2d, h } from './dom.ts'
import type { ShownMap, Store, View } from './state.ts'
import { number } from './value.ts'

/** Opacity, divider, colours: what changes how the map lies over the photo. */
export function controls(
  report: ReportDocument,
  maps: readonly ShownMap[],
  tables: Uint8Array,
  store: Store,
): HTMLElement {
  const { view } = store
  const alpha = slider('Opacity', view.alpha, (value) => store.set({ alpha: value }))
  const divider = slider('Divider', view.divider, (value) => store.set({ divider: value }))
  const colormap = select('Colours', report.colormaps.names, view.colormap, (i) => store.set({ colormap: i }))
  const byValue = checkbox('Opacity by value', view.opacity === 'by-value', (on) =>
    store.set({ opacity: on ? 'by-value' : 'constant' }),
  )
  const lefts = ['the photo', ...maps.map(({ name }) => name)]
  const left = select('Left of it', lefts, 0, (i) => {
    store.set({ left: maps[i - 1], ...(store.view.divider === 0 && { divider: 0.5 }) })
  })
  const objects = checkbox('Boxes of objects', view.objects, (on) => store.set({ objects: on }))
  store.onChange((now) => {
    divider.update(now.divider)
    objects.hidden = (now.map.objects ?? []).length === 0
  })
  return h(
    'div',
    { class: 'controls' },
    alpha.element,
    divider.element,
    ...(maps.length > 1 ? [left] : []),
    colormap,
    byValue,
    objects,
    legend(tables, store),
  )
}

function slider(label: string, start: number, change: (value: number) => void) {
  const id = label.toLowerCase()
  const input = h('input', { id, type: 'range', min: 0, max: 100, step: 1, value: Math.round(100 * start) })
  const output = h('output', {})
  const update = (value: number) => {
    input.value = String(Math.round(100 * value))
    output.textContent = `${input.value} %`
  }
  input.addEventListener('input', () => {
    output.textContent = `${input.value} %`
    change(Number(input.value) / 100)
  })
  update(start)
  return { element: h('div', { class: 'slider' }, h('label', { for: id }, label), input, output), update }
}

function select(label: string, names: readonly string[], start: number, change: (index: number) => void) {
  const options = names.map((name, i) => h('option', { value: i, selected: i === start }, name))
  const element = h('select', {}, ...options)
  element.addEventListener('change', () => change(element.selectedIndex))
  return h('label', {}, h('span', {}, label), element)
}

function checkbox(label: string, start: boolean, change: (on: boolean) => void) {
  const input = h('input', { type: 'checkbox', checked: start })
  input.addEventListener('change', () => change(input.checked))
  return h('label', { class: 'check' }, input, h('span', {}, label))
}

/** What the colours mean: unmixed, from the low end to the high one. */
function legend(tables: Uint8Array, store: Store): HTMLElement {
  const bar = h('canvas', { class: 'bar', width: 256, height: 1, role: 'presentation' })
  const [low, high] = [h('span', {}), h('span', {})]
  const said = h('p', { class: 'hint' })
  store.onChange(({ map, left, colormap }) => {
    const pixels = new ImageData(256, 1)
    for (let i = 0; i < 256; i++) {
      const at = 768 * colormap + 3 * i
      pixels.data.set([tables[at] ?? 0, tables[at + 1] ?? 0, tables[at + 2] ?? 0, 255], 4 * i)
    }
    context2d(bar).putImageData(pixels, 0, 0)
    low.textContent = number(map.range[0])
    high.textContent = number(map.range[1])
    said.textContent = left === undefined ? rangeText(map) : `${rangeText(map)} Left of the divider: ${endsText(left)}.`
  })
  return h('div', { class: 'legend' }, bar, h('div', { class: 'ends' }, low, high), said)
}

function rangeText({ maximum, range: [low, high] }: View['map']): string {
  if (!(maximum > 0)) return 'The map is zero everywhere: nothing is painted.'
  const top = `the map's maximum is ${number(maximum)}`
  return `Colours run from ${number(low)} to ${number(high)}; ${top}. Values beyond an end have its colour.`
}

/** What the same colours mean in another map. */
function endsText({ maximum, range: [low, high] }: View['map']): string {
  return maximum > 0 ? `${number(low)} to ${number(high)}` : 'zero everywhere, not painted'
}
