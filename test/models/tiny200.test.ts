import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import type { SaliencyMap } from '../../src/explanation.ts'
import { parseManifest } from '../../src/models/manifest.ts'
import { models } from '../../src/models/registry.ts'
import { shared, sharedMissing } from '../shared.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'models/tiny200')
const photo = (name: string) => join(root, 'docs/photos', name)
const isTextList = (data: unknown): data is readonly string[] =>
  Array.isArray(data) && data.every((item) => typeof item === 'string')

function readLabels(): readonly string[] {
  const labels: unknown = JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8'))
  if (!isTextList(labels)) throw new Error('labels.json is no list of labels')
  return labels
}

let explainer: Explainer
beforeAll(async () => {
  explainer = await Explainer.load()
})
afterAll(async () => await explainer.dispose())

/** Share of the map inside a box of the cup that scripts/both-photo.mjs pastes into the corner. */
function shareInCup({ data, width, height }: SaliencyMap): number {
  const inside = (_: number, i: number) => i % width >= width - 128 && Math.floor(i / width) >= height - 128
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0)
  return sum(data.filter(inside)) / sum(data)
}

describe('the model inside the package', () => {
  it('is the default, and is told what its graph cannot tell', () => {
    expect(explainer.info).toMatchObject({
      model: 'tiny200',
      path: join(folder, 'tiny200.onnx'),
      input: { name: 'input', layout: 'NCHW', height: 64, width: 64 },
      classes: 200,
      activation: 'softmax',
      batch: 'dynamic',
      layer: 'features',
      preprocessing: { inferred: false },
    })
    expect(explainer.info.candidates[0]).toMatchObject({ name: 'features', channels: 512, height: 8, width: 8 })
  })

  it('is small: at most 6 MB and about 60 million multiply-adds a window, of standard operators', async () => {
    const { state, analysis } = await models.info('tiny200')
    expect(state).toBe('package')
    expect(analysis?.bytes).toBeLessThan(6e6)
    expect(analysis?.multiplyAdds).toBeLessThan(65e6)
    expect(analysis?.operators.some(({ type }) => type.includes('.'))).toBe(false)
  })

  it('has a manifest as the registry expects it, and a file that names no place of the machine it was made on', () => {
    const manifest = parseManifest(readFileSync(join(folder, 'tiny200.json'), 'utf8'), 'tiny200.json')
    expect(manifest).toMatchObject({ id: 'tiny200', file: 'tiny200.onnx', licence: 'MIT', labels: 'labels.json' })
    expect(manifest.sha256).toBeDefined()
    expect(readFileSync(join(folder, 'tiny200.onnx'), 'latin1')).not.toMatch(/\/(home|root|usr|tmp|work)\/|\.py\b/)
  })

  it.skipIf(sharedMissing)('has the label strings of Tiny ImageNet, unchanged and in order', () => {
    const classes: readonly { readonly label: string }[] = JSON.parse(
      readFileSync(shared('data/tiny-imagenet/classes.json'), 'utf8'),
    )
    expect(readLabels()).toEqual(classes.map(({ label }) => label))
    expect(explainer.info.labels).toEqual(readLabels())
  })

  it('knows a cup of espresso and a cat', async () => {
    const top = async (name: string) => (await explainer.classify(photo(name), { top: 5 })).map(({ label }) => label)
    expect(await top('coffee.png')).toContain('espresso')
    expect((await top('chelsea.png')).some((label) => /\bcat\b/.test(label ?? ''))).toBe(true)
  })

  it('finds the small cup beside the large cat with SESS, and not without', async () => {
    const of = (sess: boolean) => explainer.explain(photo('both.jpg'), { target: 'espresso', sess })
    expect(shareInCup((await of(true)).map)).toBeGreaterThan(0.5)
    expect(shareInCup((await of(false)).map)).toBeLessThan(0.25)
  })
})

describe.skipIf(sharedMissing)(`on tiles it has not seen${sharedMissing ? `: ${sharedMissing}` : ''}`, () => {
  it('is right as often as bench/results/tiny200.json states, within what three tiles of each class can tell', async () => {
    const { rows } = JSON.parse(readFileSync(join(root, 'bench/results/tiny200.json'), 'utf8'))
    const classes: readonly { readonly wnid: string }[] = JSON.parse(
      readFileSync(shared('data/tiny-imagenet/classes.json'), 'utf8'),
    )
    let right = 0
    for (const [index, { wnid }] of classes.entries()) {
      for (const left of [0, 128, 256]) {
        const sheet = sharp(shared(`data/tiny-imagenet/val-dev/${wnid}.webp`))
        const tile = await sheet.extract({ left, top: 64, width: 64, height: 64 }).png().toBuffer()
        const [first] = await explainer.classify(tile, { top: 1 })
        if (first?.index === index) right++
      }
    }
    expect(Math.abs(right / (3 * classes.length) - rows[0].top1)).toBeLessThan(0.06)
  })
})
