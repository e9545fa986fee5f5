import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verify } from '../../src/bundle/verify.ts'
import { Explainer } from '../../src/explainer.ts'
import type { ImageSource } from '../../src/io/photo.ts'
import { decodeNpy } from '../io/npy.ts'
import { modelBytes } from '../onnx/models.ts'
import { bad, Case, dense, external, flipped, kernel, photo, spec } from './case.ts'

let made: Case
let explainer: Explainer
beforeEach(async () => {
  made = await Case.make()
  explainer = await Explainer.load(made.at('small.onnx'))
})
afterEach(async () => {
  await explainer.dispose()
  made.remove()
})

const explained = async (image: ImageSource = made.at('photo.png')) => await explainer.explain(image, { scales: 2 })
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('a bundle', () => {
  it('holds map, windows and what made them, hashed', async () => {
    const explanation = await explained()
    await explanation.toBundle(made.at('out.sess'))
    expect(readdirSync(made.at('out.sess')).sort()).toEqual(['bundle.json', 'map.npy', 'windows.npy'])
    const content = made.read()
    const file = (name: string) => readFileSync(made.at(name))
    expect(content.photo).toEqual({
      name: 'photo.png',
      path: '../photo.png',
      bytes: file('photo.png').length,
      sha256: sha256(file('photo.png')),
      height: 23,
      width: 31,
      pixels: sha256(photo.data),
    })
    expect(content.model).toMatchObject({
      id: 'small',
      path: '../small.onnx',
      file: { name: 'small.onnx', sha256: sha256(file('small.onnx')) },
      stated: { preprocess: { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.1] } },
      input: { name: 'x', layout: 'NCHW', height: 12, width: 16, channels: 'RGB' },
      preprocess: { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.1], scale: 1 / 255 },
      classes: 5,
    })
    const { scales, step, windows, levels } = explanation.plan
    expect(content.plan).toMatchObject({ scales, step, levels, windows: windows.length })
    expect(content.options).toEqual(JSON.parse(JSON.stringify(explanation.options)))
    expect(content.target).toEqual(explanation.target)
    expect(content.map).toMatchObject({
      height: 23,
      width: 31,
      maximum: Math.max(...explanation.map.data),
      sha256: sha256(file('out.sess/map.npy')),
    })
    expect(content.versions).toMatchObject({ node: process.versions.node, onnxruntime: expect.any(String) })
    expect(decodeNpy(file('out.sess/map.npy')).data).toEqual(explanation.map.data)
    const scores = decodeNpy(file('out.sess/windows.npy'))
    expect(scores.shape).toEqual([windows.length, 2])
    expect([...scores.data]).toEqual(
      explanation.windows.flatMap(({ probability, weight }) => [Math.fround(probability), Math.fround(weight)]),
    )
  })

  it('is written of an explanation whose explainer is gone', async () => {
    const explanation = await explained()
    await explainer.dispose()
    await explanation.toBundle(made.at('out.sess'))
    expect(bad(await verify(made.at('out.sess')))).toEqual([])
  })

  it('of encoded bytes names no path, and of pixels no file', async () => {
    const bytes = readFileSync(made.at('photo.png'))
    await (await explained(bytes)).toBundle(made.at('out.sess'))
    expect(made.read().photo).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length, pixels: sha256(photo.data) })
    expect(made.read().photo).not.toHaveProperty('path')
    expect(bad(await verify(made.at('out.sess')))).toEqual(['photo', 'map'])
    expect(bad(await verify(made.at('out.sess'), { image: made.at('photo.png') }))).toEqual([])

    await (await explained(photo)).toBundle(made.at('out.sess'))
    expect(made.read().photo).toEqual({ height: 23, width: 31, pixels: sha256(photo.data) })
    expect(bad(await verify(made.at('out.sess'), { image: photo }))).toEqual([])
    const found = await verify(made.at('out.sess'), { image: made.at('photo.png') })
    expect(found.checks.find(({ name }) => name === 'photo')?.status).toBe('noted')
    expect(found.agrees).toBe(true)
  })

  it('replaces one that is there, the modes of the folder kept', async () => {
    const explanation = await explained()
    await explanation.toBundle(made.at('out.sess'))
    made.edit((content) => {
      content.schema = 99
    })
    await explanation.toBundle(made.at('out.sess'))
    expect(made.read().schema).toBe(1)
    expect(readdirSync(made.folder).filter((name) => name.startsWith('.'))).toEqual([])
  })
})

describe('no bundle is written', () => {
  it('where another folder or a file is', async () => {
    const explanation = await explained()
    mkdirSync(made.at('mine.sess'))
    await expect(explanation.toBundle(made.at('mine.sess'))).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    writeFileSync(made.at('file.sess'), 'x')
    await expect(explanation.toBundle(made.at('file.sess'))).rejects.toThrow(/is there and no bundle/)
    await explanation.toBundle(made.at('out.sess'))
    writeFileSync(made.at('out.sess/notes.txt'), 'x')
    await expect(explanation.toBundle(made.at('out.sess'))).rejects.toThrow(/notes\.txt/)
    expect(readdirSync(made.at('out.sess'))).toContain('notes.txt')
  })

  it('whose description verify would not read', async () => {
    const explanation = await explained()
    Object.defineProperty(explanation, 'nonfinite', { value: Array.from({ length: 700_000 }, (_, i) => i) })
    const failure = explanation.toBundle(made.at('out.sess'))
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    await expect(failure).rejects.toThrow(
      /out\.sess would have a bundle\.json of \d+ bytes, and verify reads at most 4194304\. Take fewer windows/,
    )
    expect(readdirSync(made.folder).sort()).toEqual(['photo.png', 'small.json', 'small.onnx'])
  })

  it('of a photo that was written to since', async () => {
    const explanation = await explained()
    await made.photo(
      'photo.png',
      photo.data.map((v) => 255 - v),
    )
    await refusesBundle(explanation, /photo\.png has changed since it was explained/)
    writeFileSync(made.at('photo.png'), 'no image')
    await refusesBundle(explanation, /photo\.png has changed since it was explained/)
  })

  it('of bytes that were written to since', async () => {
    const encoded = readFileSync(made.at('photo.png'))
    const explanation = await explained(encoded)
    encoded.fill(0, 60)
    await refusesBundle(explanation, /The image has changed since it was explained/)
  })

  it('of a model that was written to since it was loaded', async () => {
    const explanation = await explained()
    made.write('small.onnx', modelBytes({ ...spec, tensors: [flipped(kernel), dense] }))
    await refusesBundle(explanation, /small\.onnx has changed since it was loaded/)
  })

  it('of a model whose other files were written to since', async () => {
    const tensors = [external(kernel, 'k.bin'), dense]
    const path = made.write('apart.onnx', modelBytes({ ...spec, tensors }))
    utimesSync(made.write('k.bin', kernel.rawData), new Date(0), new Date(0))
    const apart = await Explainer.load(path)
    const explanation = await apart.explain(made.at('photo.png'), { scales: 1 })
    await apart.dispose()
    await explanation.toBundle(made.at('fine.sess'))
    const later = new Date(Date.now() + 10_000)
    utimesSync(made.write('k.bin', flipped(kernel).rawData), later, later)
    await refusesBundle(explanation, /k\.bin has changed since it was loaded/)
  })

  it('where it is stopped', async () => {
    const explanation = await explained()
    const failure = explanation.toBundle(made.at('out.sess'), { signal: AbortSignal.abort() })
    await expect(failure).rejects.toMatchObject({ code: 'ABORTED' })
    const controller = new AbortController()
    const stopped = explanation.toBundle(made.at('out.sess'), { signal: controller.signal })
    setImmediate(() => controller.abort())
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    expect(readdirSync(made.folder).sort()).toEqual(['photo.png', 'small.json', 'small.onnx'])
  })
})

async function refusesBundle(explanation: { toBundle(path: string): Promise<void> }, why: RegExp) {
  const failure = explanation.toBundle(join(made.folder, 'out.sess'))
  await expect(failure).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  await expect(failure).rejects.toThrow(why)
  expect(readdirSync(made.folder)).not.toContain('out.sess')
}
