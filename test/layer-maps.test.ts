import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SessError } from '../src/error.ts'
import { Explainer } from '../src/explainer.ts'
import { layerMaps } from '../src/layer-maps.ts'
import { topShare } from '../src/metrics/energy.ts'
import type { Progress } from '../src/options.ts'
import { layersSheet } from '../src/render/layers-sheet.ts'
import { pixelsOf } from './render/pixels.ts'

const photo = 'docs/photos/coffee.png'

describe('the base map at every layer', () => {
  let explainer: Explainer
  beforeAll(async () => {
    explainer = await Explainer.load()
  })
  afterAll(() => explainer?.dispose())

  it('is the map that explain gives there without SESS', async () => {
    const { layers, target, chosen } = await explainer.layers(photo, { method: 'layer-cam' })
    expect(layers.map(({ layer }) => layer)).toEqual(explainer.info.candidates)
    expect(target.label).toBe('espresso')
    expect(chosen).toEqual({ name: 'features', reason: 'manifest' })
    for (const one of [layers[0], layers[9], layers.at(-1)]) {
      const options = { method: 'layer-cam', layer: one?.layer.name, target: target.index, sess: false }
      const { map } = await explainer.explain(photo, options)
      expect(one).toMatchObject({ kind: 'map', topShare: await topShare(map.data, 10) })
      if (one?.kind === 'map') expect(one.map).toEqual(map)
    }
  })

  it('explains one class at all layers, and tells progress that ends at the total', async () => {
    const seen: Progress[] = []
    const { target } = await explainer.layers(photo, { target: 'teapot', onProgress: (one) => void seen.push(one) })
    expect(target.label).toBe('teapot')
    expect(seen.map(({ done }) => done)).toEqual(Array.from({ length: seen.length }, (_, i) => i))
    expect(seen.at(-1)).toMatchObject({
      done: explainer.info.candidates.length,
      total: explainer.info.candidates.length,
    })
  })

  it('has the layer that load names, and says why it is the chosen one', async () => {
    await using other = await Explainer.load('tiny200', { layer: 'add_3' })
    const { chosen, layers } = await other.layers(photo)
    expect(chosen).toEqual({ name: 'add_3', reason: 'option' })
    expect(layers.filter(({ layer }) => layer.name === 'add_3')).toHaveLength(1)
  })

  it('takes a photo of one pixel', async () => {
    const grey = { data: Uint8Array.of(90, 120, 200), width: 1, height: 1, channels: 3 } as const
    const maps = await explainer.layers(grey)
    expect(maps.layers.every((one) => one.kind === 'map' && one.map.data.length === 1)).toBe(true)
    const { width } = await pixelsOf(await maps.sheet().sharp())
    expect(width).toBe(2 * 24 + 190 + 4 * (16 + 360))
  })

  it.each<[string, object, string]>([
    ['a method that reads no layer', { method: 'gradient' }, 'OPTION_INVALID'],
    ['scales', { scales: 3 }, 'OPTION_INVALID'],
    ['several targets', { target: [1, 2] }, 'OPTION_INVALID'],
    ['a class that is not there', { target: 'no such thing' }, 'TARGET_UNKNOWN'],
    ['a signal that is aborted', { signal: AbortSignal.abort() }, 'ABORTED'],
  ])('refuses %s', async (_, options, code) => {
    await expect(explainer.layers(photo, options)).rejects.toMatchObject({ code })
  })

  it('leaves a layer that no gradient reaches, and says why; other failures are failures', async () => {
    const candidates = explainer.info.candidates.slice(0, 5)
    const failing = (code: 'MODEL_UNSUPPORTED' | 'OUT_OF_MEMORY') =>
      layerMaps(
        { chosen: undefined, candidates },
        async (image, options) => {
          if (options.layer === candidates[3]?.name) throw new SessError(code, 'No way back.')
          return await explainer.explain(image, options)
        },
        photo,
        {},
      )
    const maps = await failing('MODEL_UNSUPPORTED')
    expect(maps.layers.map(({ kind }) => kind)).toEqual(['map', 'map', 'map', 'refused', 'map'])
    expect(layersSheet(maps).rows[1]?.cells[3]).toMatchObject({
      map: undefined,
      caption: [{}, { text: 'No way back.' }],
    })
    await expect(failing('OUT_OF_MEMORY')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
  })

  it('the sheet has the photo, then rows of one size of grid, with the chosen layer marked', async () => {
    const maps = await explainer.layers(photo)
    const { title, rows } = layersSheet(maps, 'coffee.png')
    expect(title).toEqual({ text: 'coffee.png: espresso', tail: ', 95.4 %' })
    expect(rows.map((row) => [row.title, row.cells.length])).toEqual([
      ['Photo', 1],
      ['8 × 8', 4],
      ['8 × 8', 4],
      ['8 × 8', 4],
      ['8 × 8', 4],
      ['16 × 16', 4],
      ['32 × 32', 2],
    ])
    const captions = rows.flatMap(({ cells }) => cells.map(({ caption }) => caption))
    expect(captions.filter(([first]) => first?.text.startsWith('▶'))).toEqual([captions[1]])
    expect(captions[1]?.map(({ text }) => text).slice(0, 2)).toEqual(['▶ chosen: features', 'the manifest names it'])
  })
})
