import type { MaskMethod } from './method.ts'

/** `up(relu(sum_c w_c A_c))`, `w_c = (z - z_without_c) / z`. */
export const ablationCam: MaskMethod = {
  kind: 'masks',
  name: 'ablation-cam',
  title: 'Ablation-CAM',
  source:
    'Ramaswamy, Desai, Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free Localization, 2020',
  copies: {
    kind: 'masked',
    masks: { kind: 'ablations' },
    weight: (without, window) => (window.logit - without.logit) / window.logit,
  },
}
