import type { CamMethod } from './method.ts'

/** `up(relu(sum_c w_c A_c))`, `w_c = mean_uv(g_c)`. */
export const gradCam: CamMethod = {
  kind: 'cam',
  reads: 'class',
  name: 'grad-cam',
  title: 'Grad-CAM',
  source: 'Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017',
  build: (layer) => layer.weighted(layer.mean(layer.gradient())),
}
