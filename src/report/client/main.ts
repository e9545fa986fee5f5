import type { ReportDocument, ReportMap } from '../document.ts'
import { controls } from './controls.ts'
import { context2d, h } from './dom.ts'
import { download } from './download.ts'
import { facts, refusals } from './facts.ts'
import { mapList } from './map-list.ts'
import { PhotoView } from './picture.ts'
import { readout } from './readout.ts'
import { type ShownMap, Store } from './state.ts'
import { themeChoice } from './theme.ts'
import { readBytes, readDocument, readFloats } from './unpack.ts'
import { WindowBrowser } from './windows.ts'

async function start(): Promise<void> {
  const report = readDocument()
  const [photo, maps] = await Promise.all([
    readPhoto(report),
    Promise.all(report.maps.filter((map) => map.kind === 'map').map(unpacked)),
  ])
  const refused = report.maps.filter((map) => map.kind === 'refused')
  const [first] = maps
  const main = h('main', {}, heading(report))
  document.body.append(main)
  if (first === undefined) main.append(...[refusals(refused)].filter((section) => section !== undefined))
  else main.append(...(await sections(report, photo, [first, ...maps.slice(1)])), refusals(refused) ?? '')
}

async function sections(
  report: ReportDocument,
  photo: ImageData,
  maps: readonly [ShownMap, ...ShownMap[]],
): Promise<readonly HTMLElement[]> {
  const [first] = maps
  const tables = readBytes(report.colormaps.block)
  const { alpha, opacity, colormap } = report.colours
  const store = new Store({
    ...{ map: first, left: undefined, divider: 0, alpha, opacity },
    colormap: Math.max(0, report.colormaps.names.indexOf(colormap)),
    ...{ objects: true, boxes: [], chosen: undefined },
  })
  const picture = new PhotoView(report, photo, tables, store)
  const browser = new WindowBrowser(report, picture, tables, store)
  await browser.show(first)
  store.onChange(({ map }, before) => {
    if (map !== before.map) browser.show(map).catch(failed)
  })
  const places = {
    countAt: browser.countAt.bind(browser),
    choose: browser.chooseAt.bind(browser),
  }
  const stage = h(
    'section',
    { class: 'stage', 'aria-label': 'Photo and map' },
    picture.element,
    readout(report, picture, store, places),
    controls(report, maps, tables, store),
    download(report, store),
  )
  const list = mapList(maps, (map) => picture.thumbnail(map, store.view), store)
  const side = h('div', { class: 'side' }, ...(list === undefined ? [] : [list]), browser.element)
  return [h('div', { class: 'columns' }, stage, side), facts(report, store)]
}

function heading({ title, subtitle }: ReportDocument): HTMLElement {
  const titles = h('div', {}, h('h1', {}, title), h('p', { class: 'subtitle' }, subtitle))
  return h('header', {}, titles, themeChoice())
}

async function unpacked(map: ReportMap): Promise<ShownMap> {
  const { height, width, block } = map.grid
  return { ...map, values: { values: await readFloats(block), height, width } }
}

async function readPhoto({ photo }: ReportDocument): Promise<ImageData> {
  const bitmap = await createImageBitmap(new Blob([readBytes(photo.block)], { type: photo.type }))
  const { height, width } = bitmap
  const context = context2d(h('canvas', { width, height }))
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, width, height)
}

start().then(() => {
  document.documentElement.dataset.state = 'ready'
  performance.mark('sess-ready')
}, failed)

function failed(error: unknown): never {
  document.documentElement.dataset.state = 'failed'
  document.body.append(h('p', { role: 'alert' }, `The report cannot be shown: ${error}`))
  throw error
}
