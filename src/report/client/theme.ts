import { h } from './dom.ts'

const themes = ['as the system', 'light', 'dark'] as const

/** Light or dark, whatever the system prefers. */
export function themeChoice(): HTMLElement {
  const select = h('select', {}, ...themes.map((theme) => h('option', {}, theme)))
  select.addEventListener('change', () => {
    const theme = themes[select.selectedIndex]
    if (theme === undefined || theme === 'as the system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
  })
  return h('label', { class: 'theme' }, h('span', {}, 'Theme'), select)
}
