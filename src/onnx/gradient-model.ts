import type { NodeProto } from 'onnx-buf'
import { AugmentedGraph, type OpenableModel, type SeedInputs, type SeedKind } from './augment.ts'
import type { ClassifierGraph } from './classifier.ts'
import { expand } from './grad/gradient.ts'
import type { Dim } from './shapes.ts'

/** Logits and their gradients from one forward pass. */
interface GradientModel extends OpenableModel {
  readonly seeds: readonly SeedInputs[]
  /** float32 [N, K]. */
  readonly logits: string
  /** Of each seed, at each tensor asked for: float32, of that tensor's shape. */
  readonly gradients: readonly (readonly string[])[]
  /** The nodes added to the model's own, in order. */
  readonly added: readonly NodeProto[]
}

/**
 * The gradients of several seeds at several tensors (the image by its input's name, any intermediate tensor by its
 * own), sharing one forward pass.
 * @throws SessError `MODEL_UNSUPPORTED` for an operator that gradients do not pass, or a tensor without a gradient
 */
export function buildGradientModel(
  classifier: ClassifierGraph,
  options: { readonly seeds: readonly SeedKind[]; readonly tensors: readonly string[] },
): GradientModel {
  const augmented = new AugmentedGraph(classifier)
  const seeds = options.seeds.map((kind, i) => augmented.seedInputs(kind, i))
  const gradients = seeds.map((seed) => {
    const gradientAt = augmented.gradients(seed, options.tensors, 'plain')
    return options.tensors.map((tensor) => {
      const dims = augmented.dims(tensor)
      const { name } = expand(augmented.emitter, gradientAt(tensor), dims)
      augmented.output(name, dims.slice(1).map(lengthOf))
      return name
    })
  })
  return { ...augmented.assemble(), seeds, logits: augmented.logits, gradients }
}

function lengthOf(dim: Dim): number {
  if (typeof dim !== 'number') throw new RangeError('only the first axis grows with the batch')
  return dim
}
