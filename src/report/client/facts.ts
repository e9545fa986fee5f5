import type { Again, FactGroup, RefusedMap, ReportDocument } from '../document.ts'
import { h } from './dom.ts'
import type { ShownMap, Store } from './state.ts'

/** What was asked, what ran, and how to have it again. */
export function facts(report: ReportDocument, store: Store): HTMLElement {
  const ofMap = h('div', { class: 'groups' })
  store.onChange(({ map }, before) => {
    if (map === before.map && ofMap.hasChildNodes()) return
    ofMap.replaceChildren(...map.groups.map(group), again('This map again', map.again))
  })
  const whole = [
    ...report.groups.map(group),
    ...(report.again === undefined ? [] : [again('All of it again', report.again)]),
  ]
  return h(
    'section',
    { class: 'facts', 'aria-labelledby': 'facts-title' },
    h('h2', { id: 'facts-title' }, 'How it was made'),
    ofMap,
    h('div', { class: 'groups' }, ...whole),
  )
}

function group({ title, facts: entries }: FactGroup): HTMLElement {
  const lines = entries.flatMap(({ name, value }) => [h('dt', {}, name), h('dd', {}, value)])
  return h('div', { class: 'group' }, h('h3', {}, title), h('dl', {}, ...lines))
}

function again(title: string, { kind, text }: Again): HTMLElement {
  const copied = h('span', { role: 'status' })
  const button = h('button', { type: 'button' }, 'Copy')
  const code = h('code', {}, text)
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text)
      copied.textContent = 'copied'
    } catch {
      getSelection()?.selectAllChildren(code)
      copied.textContent = 'selected, as this browser does not let pages copy'
    }
  })
  const what = kind === 'command' ? title : `${title}, from the library`
  const block = h('pre', { tabindex: 0, role: 'region', 'aria-label': what }, code)
  return h('div', { class: 'again' }, h('h3', {}, what), block, button, ' ', copied)
}

/** Maps that there are not, and why. */
export function refusals(refused: readonly RefusedMap[]): HTMLElement | undefined {
  if (refused.length === 0) return undefined
  const lines = refused.map(({ name, reason }) => h('li', {}, h('strong', {}, name), `: ${reason}`))
  return h('section', {}, h('h2', {}, 'Not explained'), h('ul', {}, ...lines))
}

/** How much of photo and map the page holds. */
export function sizesText({ photo }: ReportDocument, { grid }: ShownMap): string {
  const { shown } = photo
  const isWhole = shown.width === photo.width && shown.height === photo.height
  const picture = isWhole
    ? ''
    : `The photo is shown at ${shown.width} × ${shown.height} of its ${photo.width} × ${photo.height} pixels. `
  if (grid.factor === 1) return `${picture}The map is exact: ${grid.width} × ${grid.height} values, float32.`
  const mean = `each the mean of ${grid.factor} × ${grid.factor} pixels`
  return `${picture}The map is reduced to ${grid.width} × ${grid.height} values, ${mean}; sess explain with -o map.npy writes all of them.`
}
