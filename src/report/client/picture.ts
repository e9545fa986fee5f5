import type { ReportDocument } from '../document.ts'
import { context2d, h, svg } from './dom.ts'
import { cellOf, paint } from './paint.ts'
import type { Box, Point, ShownMap, Store, View } from './state.ts'

/** More boxes of a level hide the photo. */
const mostBoxes = 3000
/** Longest side of a thumbnail, in pixels. */
const thumbnailSide = 144

/** The photo under its map, with boxes and a cross above it. */
export class PhotoView {
  readonly element: HTMLElement
  /** The photo alone, as the page embeds it. */
  readonly source: HTMLCanvasElement
  readonly #size: ReportDocument['photo']
  readonly #canvas: HTMLCanvasElement
  readonly #photo: ImageData
  readonly #tables: Uint8Array
  readonly #marks: SVGSVGElement
  readonly #cross = svg('g', { class: 'cross' })

  constructor(report: ReportDocument, photo: ImageData, tables: Uint8Array, store: Store) {
    const { width, height } = photo
    this.#photo = photo
    this.#size = report.photo
    this.#tables = tables
    this.source = h('canvas', { width, height })
    context2d(this.source).putImageData(photo, 0, 0)
    this.#canvas = h('canvas', { width, height, class: width < 512 ? 'coarse' : undefined, role: 'presentation' })
    this.#marks = svg('svg', {
      viewBox: `0 0 ${report.photo.width} ${report.photo.height}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    })
    const described = { 'aria-label': 'Photo under its map', 'aria-describedby': 'picture-keys' }
    this.element = h('div', { class: 'picture', role: 'application', tabindex: 0, ...described }, this.#canvas)
    this.element.append(this.#marks)
    this.element.style.setProperty('--ratio', String(report.photo.width / report.photo.height))
    store.onChange((view, before) => {
      if (view === before || isRepainted(view, before)) this.#paint(view)
      this.#mark(view)
    })
  }

  /** The photo's pixel under a place of the page; undefined outside. */
  pixelAt({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): Point | undefined {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect()
    const x = Math.floor(((clientX - left) / width) * this.#size.width)
    const y = Math.floor(((clientY - top) / height) * this.#size.height)
    return x >= 0 && y >= 0 && x < this.#size.width && y < this.#size.height ? { x, y } : undefined
  }

  /** Draws a cross at a pixel, or takes it away. */
  point(at: Point | undefined): void {
    const { width, height } = this.#size
    const [x, y] = [(at?.x ?? 0) + 0.5, (at?.y ?? 0) + 0.5]
    const lines = tones.flatMap((tone) => [
      svg('line', { class: tone, x1: x, x2: x, y1: 0, y2: height }),
      svg('line', { class: tone, x1: 0, x2: width, y1: y, y2: y }),
    ])
    this.#cross.replaceChildren(...(at === undefined ? [] : lines))
  }

  /** A small picture of a map over the photo. */
  thumbnail(map: ShownMap, view: View): HTMLCanvasElement {
    const scale = Math.min(1, thumbnailSide / Math.max(this.#size.width, this.#size.height))
    const width = Math.max(1, Math.round(this.#size.width * scale))
    const height = Math.max(1, Math.round(this.#size.height * scale))
    const canvas = h('canvas', { width, height, role: 'presentation' })
    const context = context2d(canvas)
    context.drawImage(this.source, 0, 0, width, height)
    const photo = context.getImageData(0, 0, width, height)
    this.#tint(photo, photo, view, map, 0, width)
    context.putImageData(photo, 0, 0)
    return canvas
  }

  #paint(view: View): void {
    const photo = this.#photo
    const out = new ImageData(new Uint8ClampedArray(photo.data), photo.width, photo.height)
    const border = Math.round(view.divider * photo.width)
    if (view.left !== undefined) this.#tint(photo, out, view, view.left, 0, border)
    this.#tint(photo, out, view, view.map, border, photo.width)
    context2d(this.#canvas).putImageData(out, 0, 0)
  }

  /** A map that is zero everywhere is not painted. */
  #tint(photo: ImageData, out: ImageData, view: View, map: ShownMap, from: number, to: number): void {
    if (!(map.maximum > 0)) return
    const { alpha, opacity, colormap } = view
    const table = this.#tables.subarray(768 * colormap, 768 * (colormap + 1))
    const { height, width } = photo
    const { factor } = map.grid
    const rows = Int32Array.from({ length: height }, (_, y) => cellOf(y, height, this.#size.height, factor))
    const columns = Int32Array.from({ length: width }, (_, x) => cellOf(x, width, this.#size.width, factor))
    paint(photo, out, map.values, { table, range: map.range, alpha, opacity }, { rows, columns, from, to })
  }

  #mark({ map, objects, boxes, chosen, divider }: View): void {
    const { width, height } = this.#size
    const marks: SVGElement[] = boxes.slice(0, mostBoxes).map((box) => rect('level', box))
    const found = objects ? (map.objects ?? []) : []
    for (const [i, { box }] of found.entries()) marks.push(...numbered(box, i + 1, this.#size))
    if (chosen !== undefined) marks.push(...tones.map((tone) => rect(`chosen ${tone}`, chosen)))
    if (divider > 0 && divider < 1) {
      const x = divider * width
      marks.push(...tones.map((tone) => svg('line', { class: `divider ${tone}`, x1: x, x2: x, y1: 0, y2: height })))
    }
    this.#marks.replaceChildren(...marks, this.#cross)
  }
}

/** A light line on a dark one is seen on any ground. */
const tones = ['dark', 'light'] as const

function isRepainted(view: View, before: View): boolean {
  const keys = ['map', 'left', 'divider', 'alpha', 'opacity', 'colormap'] as const
  return keys.some((key) => view[key] !== before[key])
}

function rect(name: string, { x, y, width, height }: Box): SVGRectElement {
  return svg('rect', { class: name, x, y, width, height })
}

/** An object's box and number: above it, or inside where there is no room above. */
function numbered(box: Box, number: number, { width, height }: Pick<Box, 'width' | 'height'>): readonly SVGElement[] {
  const size = Math.max(width, height) / 32
  const y = box.y >= 1.2 * size ? box.y - 0.25 * size : box.y + size
  const text = svg('text', { class: 'number', x: box.x + 0.2 * size, y, 'font-size': size }, String(number))
  return [...tones.map((tone) => rect(`object ${tone}`, box)), text]
}
