import { SessError } from '../error.ts'
import { AugmentedGraph } from './augment.ts'
import type { ClassifierGraph } from './classifier.ts'
import type { ForwardModel } from './forward-model.ts'

/** A tensor of the graph. */
export interface CutTensor {
  readonly name: string
  /** Of one image. */
  readonly shape: readonly number[]
}

/**
 * The part of a model behind one tensor, which becomes its input: tensor -> logits.
 * @throws SessError `METHOD_UNSUPPORTED` where the logits depend on the image by another way too
 */
export function buildHeadModel(classifier: ClassifierGraph, cut: CutTensor): ForwardModel {
  const augmented = new AugmentedGraph(classifier)
  const head = augmented.assembleBehind(cut.name, cut.shape)
  if (head === undefined) {
    throw new SessError(
      'METHOD_UNSUPPORTED',
      `Model "${classifier.graph.name}" cannot go on from "${cut.name}" alone: the image reaches the logits by another ` +
        'way too. Take a layer that every path passes (sess models info lists them).',
    )
  }
  return { ...head, logits: augmented.logits }
}
