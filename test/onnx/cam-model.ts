import { buildExplainModel } from '../../src/methods/explain-model.ts'
import { gradCam } from '../../src/methods/grad-cam.ts'
import type { ClassifierGraph } from '../../src/onnx/classifier.ts'
import type { TargetLayer } from '../../src/onnx/layers.ts'

/** Grad-CAM's graph for a number of classes, with its outputs by what they are. */
export function buildCamModel(
  classifier: ClassifierGraph,
  options: { readonly targets: number; readonly layer?: TargetLayer | undefined },
) {
  const seeds = new Array<'class'>(options.targets).fill('class')
  const model = buildExplainModel(classifier, { method: gradCam, seeds, layer: options.layer })
  const cams = model.targets.flatMap((target) => (target.kind === 'cam' ? [target] : []))
  return {
    ...model,
    targetInputs: model.seeds.map(({ classes }) => classes),
    outputs: {
      logits: model.logits,
      activations: cams[0]?.features ?? '',
      weights: cams.flatMap(({ weights }) => weights ?? []),
    },
  }
}
