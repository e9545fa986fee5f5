import { SessError } from '../error.ts'
import type { ClassifierGraph } from '../onnx/classifier.ts'
import { buildExplainModel } from './explain-model.ts'
import { methods } from './index.ts'

/** Whether a method works on a model, and why not. */
export type MethodSupport =
  | { readonly name: string; readonly supported: true }
  | { readonly name: string; readonly supported: false; readonly reason: string }

/** Builds the graph that each method would run: what refuses to be built says why. */
export function methodSupport(classifier: ClassifierGraph): readonly MethodSupport[] {
  return methods.map((method): MethodSupport => {
    const { name } = method
    try {
      buildExplainModel(classifier, { method, seeds: ['class'] })
      return { name, supported: true }
    } catch (error) {
      if (error instanceof SessError) return { name, supported: false, reason: error.message }
      throw error
    }
  })
}
