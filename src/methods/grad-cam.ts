import type { Method } from './method.ts'

/** `up(relu(sum_c mean_uv(g_c) A_c))` with `g = d z_target / d A`. */
export const gradCam: Method = {
  name: 'grad-cam',
  title: 'Grad-CAM',
  source: 'Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017',
  reduction: { kind: 'channel-weights', weights: 'mean-gradient' },
}
