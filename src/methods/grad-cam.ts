import type { Method } from './method.ts'

/**
 * `up(relu(sum_c w_c A_c))`, `w_c = mean_uv(g_c)`, `g = d z_target / d A`. The weights come out of the graph of
 * `onnx/explain-model.ts` beside logits and activations; the op `camReduce` takes the sum.
 */
export const gradCam: Method = {
  name: 'grad-cam',
  title: 'Grad-CAM',
  source: 'Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017',
}
