import { describe, expect, it } from 'vitest'
import { SessError } from '../../src/error.ts'
import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { methods } from '../../src/methods/index.ts'
import { type ClassifierGraph, loadClassifier } from '../../src/onnx/classifier.ts'
import { inHalf } from '../../src/onnx/half-range.ts'
import { withoutKernel } from '../onnx/grad/kernels.ts'
import { modelBytes } from '../onnx/models.ts'
import { probe } from '../onnx/ort.ts'
import { MODELS } from './layouts.ts'

/** Every node that methods add to a model, without a kernel on CUDA. */
function lackingOf(classifier: ClassifierGraph): readonly string[] {
  return methods.flatMap((method) => {
    try {
      const model = buildExplainModel(classifier, { method, seeds: ['class', 'combination'] })
      return withoutKernel(model.encode(), model.added).map((lacking) => `${method.name}: ${lacking}`)
    } catch (error) {
      if (error instanceof SessError && error.code === 'METHOD_UNSUPPORTED') return []
      throw error
    }
  })
}

describe.each(Object.entries(MODELS))('methods on a model with %s', (_, spec) => {
  it.each([13, 17])('have a kernel on CUDA for every node they add, operator set %i', async (opset) => {
    const classifier = await loadClassifier({ bytes: modelBytes({ ...spec, opset }) }, { layer: 'a' }, probe)
    expect(lackingOf(classifier)).toEqual([])
    expect(lackingOf(await inHalf(classifier))).toEqual([])
  })
})
