import { percentText } from '../../render/class-text.ts'
import type { ReportDocument, ReportWindows } from '../document.ts'
import { context2d, h } from './dom.ts'
import { number } from './value.ts'
import type { ListedWindow } from './window-list.ts'

/** Side of a window's pictures, in pixels. */
const side = 160

interface Given {
  readonly report: ReportDocument
  readonly windows: ReportWindows
  /** The whole photo, as it is drawn. */
  readonly photo: CanvasImageSource
  /** The windows' own maps; undefined where the page has none. */
  readonly maps: Float32Array | undefined
  /** 256 x 3 bytes. */
  readonly table: Uint8Array
}

/** What a window saw, and its own map. */
export function windowDetail(window: ListedWindow, given: Given): HTMLElement {
  const own = ownMap(window, given)
  return h(
    'div',
    { class: 'detail' },
    h('figure', {}, crop(window, given), h('figcaption', {}, `window ${window.index}, level ${window.level}`)),
    own && h('figure', {}, own, h('figcaption', {}, ownCaption(given.windows))),
    h('p', {}, sentence(window)),
  )
}

function sentence({ probability, weight, share, isKept }: ListedWindow): string {
  const carried = Number.isNaN(share) ? '' : `, ${percentText(share)} of the map`
  const left = isKept ? '' : ' It was left out.'
  return `The target's probability in it is ${percentText(probability)}: weight ${number(weight)}${carried}.${left}`
}

/** The part of the photo, resized to the window's aspect as the model saw it. */
function crop({ box }: ListedWindow, { report, windows, photo }: Given): HTMLCanvasElement {
  const { height, width } = fitted(windows.window)
  const canvas = h('canvas', { width, height, role: 'img', 'aria-label': 'The part of the photo' })
  const { shown, ...whole } = report.photo
  const [scaleX, scaleY] = [shown.width / whole.width, shown.height / whole.height]
  context2d(canvas).drawImage(
    photo,
    ...([box.x * scaleX, box.y * scaleY, box.width * scaleX, box.height * scaleY] as const),
    ...([0, 0, width, height] as const),
  )
  return canvas
}

function ownCaption({ maps }: ReportWindows): string {
  return `its own map, ${maps?.height} × ${maps?.width}, from its least value to its largest`
}

function ownMap({ row }: ListedWindow, { windows, maps, table }: Given): HTMLCanvasElement | undefined {
  if (maps === undefined || windows.maps === undefined || row < 0) return undefined
  const { height, width, rectify } = windows.maps
  const cells = maps.slice(row * height * width, (row + 1) * height * width)
  const values = rectify ? cells.map((v) => Math.max(0, v)) : cells
  const low = values.reduce((least, v) => Math.min(least, v), Number.POSITIVE_INFINITY)
  const high = values.reduce((most, v) => Math.max(most, v), Number.NEGATIVE_INFINITY)
  const pixels = new ImageData(width, height)
  for (const [i, value] of values.entries()) {
    const color = 3 * Math.round(high > low ? (255 * (value - low)) / (high - low) : 0)
    pixels.data.set([table[color] ?? 0, table[color + 1] ?? 0, table[color + 2] ?? 0, 255], 4 * i)
  }
  const canvas = h('canvas', { width, height, class: 'own', role: 'img', 'aria-label': "The window's own map" })
  const shown = fitted(windows.window)
  canvas.style.width = `${shown.width}px`
  canvas.style.aspectRatio = `${shown.width} / ${shown.height}`
  context2d(canvas).putImageData(pixels, 0, 0)
  return canvas
}

function fitted({ height, width }: ReportWindows['window']) {
  const scale = side / Math.max(height, width)
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) }
}
