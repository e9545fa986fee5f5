import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseManifest } from '../../src/models/manifest.ts'
import { preprocessing } from '../../src/models/preprocess.ts'
import { shared, sharedMissing } from '../shared.ts'

const folder = resolve(import.meta.dirname, '../../models')
const shipped = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name: string) => parseManifest(readFileSync(join(folder, name), 'utf8'), name)

interface Fact {
  readonly id: string
  readonly url: string
  readonly sha256: string
  readonly bytes: number
  readonly licence: string
  readonly input: {
    readonly name: string
    readonly layout: string
    readonly channels: string
    readonly height: number
    readonly width: number
  }
  readonly output: { readonly name: string }
  readonly activation: string
  readonly preprocess: { readonly mean: readonly number[]; readonly std: readonly number[] } | null
  readonly unverified?: string
  readonly quantised?: boolean
}

const facts: readonly Fact[] = sharedMissing
  ? []
  : JSON.parse(readFileSync(shared('models/zoo-facts.json'), 'utf8')).models

describe('a shipped manifest', () => {
  it.each(shipped)('%s has the binding form, its own name, and all that a download is checked against', (name) => {
    const manifest = read(name)
    expect(`${manifest.id}.json`).toBe(name)
    expect(manifest).toMatchObject({ sha256: expect.any(String), bytes: expect.any(Number) })
    expect(manifest.url).toMatch(/^https:/)
    expect(manifest.licence).toBeDefined()
    expect(manifest.source).toBeDefined()
    expect(preprocessing(manifest).inferred).toBe(false)
  })

  it.skipIf(sharedMissing).each(shipped)('%s states what is verified about its model', (name) => {
    const manifest = read(name)
    const fact = facts.find(({ id }) => id === manifest.id)
    if (fact === undefined || fact.preprocess === null) throw new Error(`nothing is verified about ${manifest.id}`)
    const { url, sha256, bytes, licence, input } = fact
    const { channels, height, width, layout, name: inputName } = input
    expect(fact.unverified).toBeUndefined()
    expect(manifest).toMatchObject({ url, sha256, bytes, licence })
    expect(manifest.input).toEqual({ name: inputName, layout, channels, height, width })
    // A softmax inside the graph is found there, and its input taken.
    expect(manifest.logits).toBe(fact.activation.startsWith('logits') ? fact.output.name : undefined)
    // The facts round to six digits what some manifests state exactly, (v - 127) / 128 say.
    const { scale, bias } = preprocessing(manifest)
    for (const c of [0, 1, 2] as const) {
      const [mean = Number.NaN, std = Number.NaN] = [fact.preprocess.mean[c], fact.preprocess.std[c]]
      expect(scale[c] * 255 * std).toBeCloseTo(1, 3)
      expect((bias[c] * std) / mean).toBeCloseTo(-1, 3)
    }
  })
})

describe.skipIf(sharedMissing)('the registry', () => {
  it('has every verified model that can be explained', () => {
    const usable = facts.filter(({ unverified, quantised }) => unverified === undefined && quantised !== true)
    expect(shipped).toEqual(expect.arrayContaining(usable.map(({ id }) => `${id}.json`)))
    expect(shipped).toEqual(expect.arrayContaining(['resnet50-v1-12.json', 'vgg16-12.json']))
  })
})
