import type { ReportDocument } from '../document.ts'
import { h } from './dom.ts'
import type { PhotoView } from './picture.ts'
import type { Box, Point, Store } from './state.ts'
import { valueAt } from './value.ts'

interface Places {
  /** How many windows contain a pixel; undefined where the map's windows are not known. */
  readonly countAt: (at: Point) => number | undefined
  /** Lists the windows that contain a pixel; all of them without one. */
  readonly choose: (at: Point | undefined) => void
}

function keysText(hasWindows: boolean): string {
  const windows = hasWindows ? 'Enter or a click lists the windows that contain the place; ' : ''
  return `Arrow keys move a cross and tell the value there, with Shift in larger steps; ${windows}Escape takes the cross away.`
}

/** The value under the pointer, and under a cross that the keyboard moves. */
export function readout(report: ReportDocument, picture: PhotoView, store: Store, places: Places): HTMLElement {
  const shown = h('p', { class: 'readout' })
  const announced = h('p', { class: 'visually-hidden', role: 'status' })
  let cross: Point | undefined

  const textAt = (at: Point) => {
    const { map, left } = store.view
    const count = places.countAt(at)
    const windows = count === undefined ? '' : `, in ${count} ${count === 1 ? 'window' : 'windows'}`
    const { factor } = map.grid
    const mean = factor === 1 ? '' : ` (mean of ${factor} × ${factor} pixels)`
    const other = left === undefined ? '' : `; ${left.name}: ${valueAt(left, at)}`
    return `value ${valueAt(map, at)} at (${at.x}, ${at.y})${mean}${windows}${other}`
  }
  const show = (at: Point | undefined) => {
    shown.textContent = at === undefined ? 'Point at the photo, or focus it and use the arrow keys.' : textAt(at)
  }
  const moveTo = (at: Point | undefined) => {
    cross = at
    picture.point(at)
    show(at)
    announced.textContent = at === undefined ? '' : textAt(at)
  }

  const { element } = picture
  element.addEventListener('pointermove', (event) => show(picture.pixelAt(event) ?? cross))
  element.addEventListener('pointerleave', () => show(cross))
  element.addEventListener('click', (event) => {
    const at = picture.pixelAt(event)
    if (at === undefined) return
    moveTo(at)
    places.choose(at)
  })
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    const next = moved(cross, event, report.photo, store.view.map.grid.factor)
    if (next !== undefined) moveTo(next)
    else if (event.key === 'Enter' && cross !== undefined) places.choose(cross)
    else if (event.key === 'Escape' && cross !== undefined) {
      moveTo(undefined)
      places.choose(undefined)
    } else return
    event.preventDefault()
  })
  const keys = h('p', { id: 'picture-keys', class: 'hint' })
  store.onChange(({ map }) => {
    show(cross)
    keys.textContent = keysText(map.windows !== undefined)
  })
  return h('div', {}, shown, announced, keys)
}

/** Where a key takes the cross; it starts in the middle. Undefined for other keys. */
function moved(
  from: Point | undefined,
  { key, shiftKey }: KeyboardEvent,
  { width, height }: Pick<Box, 'width' | 'height'>,
  factor: number,
): Point | undefined {
  const step = shiftKey ? Math.max(factor, Math.round(Math.max(width, height) / 20)) : factor
  const steps: Readonly<Record<string, readonly [x: number, y: number]>> = {
    ArrowLeft: [-step, 0],
    ArrowRight: [step, 0],
    ArrowUp: [0, -step],
    ArrowDown: [0, step],
  }
  const by = steps[key]
  if (by === undefined) return undefined
  if (from === undefined) return { x: Math.floor(width / 2), y: Math.floor(height / 2) }
  const within = (value: number, length: number) => Math.min(Math.max(0, value), length - 1)
  return { x: within(from.x + by[0], width), y: within(from.y + by[1], height) }
}
