import { h } from './dom.ts'
import type { ShownMap, Store } from './state.ts'

/** Which of several maps is shown; undefined where there is one. */
export function mapList(maps: readonly ShownMap[], thumbnail: (map: ShownMap) => HTMLCanvasElement, store: Store) {
  if (maps.length < 2) return undefined
  const choices = maps.map((map, i) => {
    const input = h('input', { type: 'radio', name: 'map', checked: i === 0 })
    input.addEventListener('change', () => store.set({ map }))
    return h('label', { class: 'map' }, input, thumbnail(map), h('span', {}, map.name))
  })
  return h('fieldset', { class: 'maps' }, h('legend', {}, `${maps.length} maps`), ...choices)
}
