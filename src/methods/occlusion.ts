import type { MaskMethod } from './method.ts'

/** Drop of `p` under a sliding square of mean colour, averaged over the squares that cover a pixel. */
export const occlusion: MaskMethod = {
  kind: 'masks',
  name: 'occlusion',
  title: 'Occlusion',
  source: 'Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014',
  copies: {
    kind: 'masked',
    masks: { kind: 'squares', side: undefined, stride: undefined },
    weight: (masked, window) => window.probability - masked.probability,
  },
}
