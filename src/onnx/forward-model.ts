import { AugmentedGraph, type OpenableModel } from './augment.ts'
import type { ClassifierGraph } from './classifier.ts'

export interface ForwardModel extends OpenableModel {
  /** float32 [N, K]. */
  readonly logits: string
}

/** The model cut down to image -> logits. */
export function buildForwardModel(classifier: ClassifierGraph): ForwardModel {
  const augmented = new AugmentedGraph(classifier)
  return { ...augmented.assemble(), logits: augmented.logits }
}
