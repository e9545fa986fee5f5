import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { expect, it } from 'vitest'
import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { methodByName } from '../../src/methods/index.ts'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { MODELS } from '../methods/layouts.ts'
import { modelBytes } from './models.ts'
import { probe } from './ort.ts'

it('a graph has no input that none of its nodes reads', async () => {
  const [spec] = Object.values(MODELS)
  if (spec === undefined) throw new Error('no model')
  const classifier = await loadClassifier({ bytes: modelBytes(spec) }, { layer: 'a' }, probe)
  const inputs = (name: string) => {
    const model = buildExplainModel(classifier, { method: methodByName(name), seeds: ['combination', 'class'] })
    return fromBinary(ModelProtoSchema, model.encode()).graph?.input.map((input) => input.name)
  }
  expect(inputs('grad-cam')).toEqual(['x', 'sess_target_0', 'sess_coefficients_0', 'sess_target_1'])
  expect(inputs('eigen-cam')).toEqual(['x'])
})
