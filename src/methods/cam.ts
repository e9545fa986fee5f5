import type { CamMethod } from './method.ts'

/**
 * `up(relu(sum_c w_c A_c))`, `w_c` = the final linear layer's row of the class. Between a feature map and logits that
 * are linear in its mean, that row is the gradient, times the size of the map: so this is Grad-CAM, where it is defined.
 */
export const cam: CamMethod = {
  kind: 'cam',
  reads: 'class',
  name: 'cam',
  title: 'CAM',
  source: 'Zhou et al., Learning Deep Features for Discriminative Localization, 2016',
  build: (layer) => {
    const gradient = layer.gradient()
    if (!layer.isPooledLinear(gradient)) {
      throw layer.refuse('cam', 'is not followed by global average pooling and a linear layer alone; take grad-cam')
    }
    return layer.weighted(layer.mean(gradient))
  },
}
