import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { statedPreprocessing } from '../../src/models/preprocess.ts'
import { resolveModel } from '../../src/models/resolve.ts'

const config = { model_type: 'vit', id2label: { 0: 'cat', 1: 'dog' }, label2id: { cat: 0, dog: 1 } }
const preprocessor = {
  do_normalize: true,
  do_resize: true,
  image_mean: [0.5, 0.4, 0.3],
  image_std: [0.3, 0.2, 0.1],
  rescale_factor: 0.00392156862745098,
  resample: 2,
  size: { height: 224, width: 192 },
}
const files = { 'config.json': config, 'preprocessor_config.json': preprocessor, 'onnx/model.onnx': 'onnx' }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-transformers-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const deep = '['.repeat(1e5) + ']'.repeat(1e5)

function local(content: Record<string, string | object> = files): string {
  for (const [name, value] of Object.entries(content)) {
    const path = join(folder, 'local', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return join(folder, 'local')
}

describe('a folder in the way of transformers.js', () => {
  it('is a model, and so is each file in its onnx folder', async () => {
    const path = local({ ...files, 'onnx/model_fp16.onnx': 'half' })
    const model = await resolveModel(path)
    expect(model).toMatchObject({ id: 'local', path: join(path, 'onnx/model.onnx'), labels: ['cat', 'dog'] })
    expect(await resolveModel(join(path, 'onnx/model_fp16.onnx'))).toMatchObject({
      id: 'model_fp16',
      labels: ['cat', 'dog'],
      manifest: { preprocess: { mean: [0.5, 0.4, 0.3] } },
    })
  })

  it('may have its model at the top', async () => {
    const path = local({ 'config.json': config, 'preprocessor_config.json': preprocessor, 'model.onnx': 'onnx' })
    expect(await resolveModel(path)).toMatchObject({ path: join(path, 'model.onnx'), labels: ['cat', 'dog'] })
  })

  it.each<[string, object, object]>([
    ['no rescaling', { do_rescale: false }, { scale: 1, mean: [0.5, 0.4, 0.3] }],
    ['no normalisation', { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    ['one number for three', { image_mean: 0.5, image_std: 0.25 }, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }],
    ['blue first', { do_flip_channel_order: true }, { channels: 'BGR', mean: [0.3, 0.4, 0.5], std: [0.1, 0.2, 0.3] }],
  ])('says: %s', async (_, more, expected) => {
    const model = await resolveModel(local({ ...files, 'preprocessor_config.json': { ...preprocessor, ...more } }))
    expect(statedPreprocessing(model.manifest, model.manifestPath)).toMatchObject(expected)
  })

  it.each<[string, object, number, number]>([
    ['size', { size: 160 }, 160, 160],
    ['the crop of a longer side', { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 200 } }, 224, 200],
    [
      'the size where nothing is cropped',
      { size: { shortest_edge: 96 }, crop_size: 80, do_center_crop: false },
      96,
      96,
    ],
  ])('has the window of %s', async (_, more, height, width) => {
    const model = await resolveModel(local({ ...files, 'preprocessor_config.json': { ...preprocessor, ...more } }))
    expect(model.manifest?.input).toMatchObject({ height, width })
  })

  it('with several labels a photo ends in a sigmoid', async () => {
    const path = local({ ...files, 'config.json': { ...config, problem_type: 'multi_label_classification' } })
    expect((await resolveModel(path)).manifest?.activation).toBe('sigmoid')
  })

  it('with more labels than any model has classes is refused by field', async () => {
    const id2label = Object.fromEntries(Array.from({ length: 100_001 }, (_, index) => [index, '']))
    const failure = resolveModel(local({ ...files, 'config.json': { id2label } }))
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    await expect(failure).rejects.toThrow(/"id2label" must have at most 100000 entries/)
  })

  it('whose configurations are no files is one without', async () => {
    const path = local({ 'onnx/model.onnx': 'onnx', 'config.json/x': '', 'preprocessor_config.json/x': '' })
    expect(await resolveModel(path)).toMatchObject({ labels: undefined, manifestPath: undefined })
  })

  it.each<[string, Record<string, string | object>, RegExp]>([
    ['mean', { 'preprocessor_config.json': { ...preprocessor, image_mean: [1, 2] } }, /"image_mean"/],
    ['std', { 'preprocessor_config.json': { ...preprocessor, image_std: [1, 0, 1] } }, /"image_std/],
    ['mean that is asked for', { 'preprocessor_config.json': { do_normalize: true } }, /"image_mean" is missing/],
    ['size', { 'preprocessor_config.json': { ...preprocessor, size: 1e9 } }, /"size"/],
    ['height', { 'preprocessor_config.json': { ...preprocessor, size: { height: 1e9, width: 8 } } }, /"size\.height"/],
    ['crop', { 'preprocessor_config.json': { ...preprocessor, crop_size: -8 } }, /"crop_size"/],
    ['crop type', { 'preprocessor_config.json': { ...preprocessor, crop_size: ['8', '8'] } }, /"crop_size"/],
    ['rescale', { 'preprocessor_config.json': { ...preprocessor, rescale_factor: 0 } }, /"rescale_factor"/],
    ['huge mean', { 'preprocessor_config.json': { ...preprocessor, image_mean: 1e30 } }, /"image_mean"/],
    ['infinite mean', { 'preprocessor_config.json': '{"image_mean": [0, 1e999, 0]}' }, /"image_mean"/],
    ['tiny std', { 'preprocessor_config.json': { ...preprocessor, image_std: [1, 1, 1e-30] } }, /"image_std\.2"/],
    ['deep std', { 'preprocessor_config.json': `{"image_std": ${deep}}` }, /"image_std"/],
    ['deep whole', { 'preprocessor_config.json': deep }, /preprocessor_config\.json: the whole/],
    ['deep label', { 'config.json': `{"id2label": {"0": ${deep}}}` }, /"id2label\.0"/],
    ['labels', { 'config.json': { id2label: ['cat', 'dog'] } }, /"id2label"/],
    ['long label', { 'config.json': { id2label: { 0: 'x'.repeat(4097) } } }, /"id2label\.0"/],
    ['problem', { 'config.json': { problem_type: 7 } }, /"problem_type"/],
    ['type', { 'preprocessor_config.json': { ...preprocessor, do_rescale: 'yes' } }, /"do_rescale"/],
    ['whole', { 'preprocessor_config.json': '[]' }, /preprocessor_config\.json: the whole/],
    ['depth', { 'preprocessor_config.json': '['.repeat(1e6) }, /is not JSON/],
    ['label', { 'config.json': { id2label: { 0: 'a', 2: 'b' } } }, /"id2label" has 2 labels, and none for class 1/],
    ['label key', { 'config.json': { id2label: { __proto: 'a' } } }, /"id2label/],
    ['label type', { 'config.json': { id2label: { 0: 7 } } }, /"id2label\.0"/],
    ['size of the file', { 'config.json': ' '.repeat(2 ** 24 + 1) }, /too many/],
  ])('with a hostile configuration is refused by field: %s', async (_, more, message) => {
    const failure = resolveModel(local({ ...files, ...more }))
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    await expect(failure).rejects.toThrow(message)
  })
})
