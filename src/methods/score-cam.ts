import type { MaskMethod } from './method.ts'

/** `relu(sum_c p(x * norm(up(A_c))) * up(A_c))`, flat channels skipped. */
export const scoreCam: MaskMethod = {
  kind: 'masks',
  name: 'score-cam',
  title: 'Score-CAM',
  source: 'Wang et al., Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks, 2020',
  copies: {
    kind: 'masked',
    masks: { kind: 'activations', top: undefined },
    weight: (masked) => masked.probability,
  },
}
