import { encodeNpy } from '../../io/npy-format.ts'
import type { ReportDocument } from '../document.ts'
import { h } from './dom.ts'
import { sizesText } from './facts.ts'
import type { Store } from './state.ts'

/** The values behind the picture, as NumPy reads them. */
export function download(report: ReportDocument, store: Store): HTMLElement {
  const button = h('button', { type: 'button' }, 'Download the map (.npy)')
  const said = h('p', { class: 'hint' })
  button.addEventListener('click', () => {
    const { file, values, grid } = store.view.map
    const { height, width, values: data } = values
    const url = URL.createObjectURL(new Blob(encodeNpy({ data, height, width }).map((part) => part.slice())))
    const name = grid.factor === 1 ? file : file.replace(/\.npy$/, `.mean${grid.factor}.npy`)
    h('a', { href: url, download: name }).click()
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  })
  store.onChange(({ map }) => {
    said.textContent = sizesText(report, map)
  })
  return h('div', { class: 'download' }, button, said)
}
