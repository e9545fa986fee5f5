import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { shared, sharedMissing } from '../shared.ts'
import { buildCamModel } from './cam-model.ts'
import { type CamResult, randomImages, runCam } from './heads.ts'
import { probe } from './ort.ts'

const REFUSED = [
  { file: 'truncated', code: 'MODEL_UNREADABLE', says: /cut short/ },
  { file: 'empty', code: 'MODEL_UNREADABLE', says: /is empty/ },
  { file: 'random', code: 'MODEL_UNREADABLE', says: /not an ONNX model/ },
  { file: 'text', code: 'MODEL_UNREADABLE', says: /Git LFS pointer/ },
  { file: 'external-escape', code: 'MODEL_UNREADABLE', says: /outside its own folder/ },
  { file: 'cycle', code: 'MODEL_UNREADABLE', says: /circle/ },
  { file: 'no-output', code: 'MODEL_UNSUPPORTED', says: /no output/ },
  { file: 'opset99', code: 'MODEL_UNSUPPORTED', says: /operator set 99; supported are 7 to 26/ },
  { file: 'unknown-op', code: 'MODEL_UNSUPPORTED', says: /node "relu" \(com\.example\.Frobnicate\)/ },
  { file: 'absent', code: 'MODEL_NOT_FOUND', says: /absent\.onnx/ },
] as const

describe.skipIf(sharedMissing !== undefined)('hostile models', () => {
  const path = (file: string): string => shared(`data/hostile/models/${file}.onnx`)

  it.each(REFUSED)('$file is refused: $code', async ({ file, code, says }) => {
    const loading = loadClassifier({ path: path(file) }, {}, probe)
    await expect(loading).rejects.toMatchObject({ code })
    await expect(loading).rejects.toThrow(says)
  })

  async function explain(file: string): Promise<CamResult> {
    const model = buildCamModel(await loadClassifier({ path: path(file) }, {}, probe), { targets: 1 })
    return await runCam(model, randomImages([2, 3, 32, 32]), [-1, 3])
  }

  it.each(['softmax-end', 'batch1'])('%s gives what good.onnx gives', async (file) => {
    const [good, other] = [await explain('good'), await explain(file)]
    expect(close(other.logits, good.logits)).toBe(true)
    expect(close(other.weights[0] ?? [], good.weights[0] ?? [])).toBe(true)
    expect(close(Array.from(other.activations.data, Number), Array.from(good.activations.data, Number))).toBe(true)
  })

  it('softmax-end tells its activation, batch1 can take any batch', async () => {
    expect((await loadClassifier({ path: path('softmax-end') }, {}, probe)).activation).toBe('softmax')
    expect((await loadClassifier({ path: path('batch1') }, {}, probe)).batch).toBe('made-dynamic')
    expect((await loadClassifier({ path: path('good') }, {}, probe)).batch).toBe('dynamic')
  })

  it('a quantiser before the target layer is no hindrance; through it no gradient goes', async () => {
    const { logits, weights } = await explain('quantised')
    expect([...logits, ...(weights[0] ?? [])].every(Number.isFinite)).toBe(true)
    const behind = loadClassifier({ path: path('quantised') }, { layer: 'qi' }, probe)
    await expect(behind).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' })
  })

  it('weights that are not numbers show in the logits', async () => {
    expect((await explain('nan')).logits.some(Number.isNaN)).toBe(true)
  })

  it('every prefix of a good model is refused, and never with another code', async () => {
    const bytes = await readFile(path('good'))
    for (let length = 0; length < bytes.length; length += 7) {
      const loading = loadClassifier({ bytes: bytes.subarray(0, length), name: 'prefix' }, {}, probe)
      await expect(loading, `${length} bytes`).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    }
  })
})

function close(a: readonly number[], b: readonly number[]): boolean {
  return a.length > 0 && a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) < 1e-5)
}
