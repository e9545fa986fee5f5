import type { MaskMethod } from './method.ts'

/**
 * `sum_k s_k m_k`, `m_k = up(relu(sum over group k of mean_uv(g_c) A_c))`, `n_k = norm(m_k)`,
 * `s_k = relu(p(x n_k + blur(x) (1 - n_k)) - p(blur(x)))`; flat groups skipped.
 */
export const groupCam: MaskMethod = {
  kind: 'masks',
  name: 'group-cam',
  title: 'Group-CAM',
  source: 'Zhang, Rao, Yang, Group-CAM: Group Score-Weighted Visual Explanations for Deep Convolutional Networks, 2021',
  copies: {
    kind: 'masked',
    masks: { kind: 'groups', count: undefined, grouping: 'consecutive' },
    weight: (masked, blurred) => Math.max(0, masked.probability - blurred.probability),
  },
}
