import type { CamMethod } from './method.ts'

/** `up(relu(sum_c g_c A_c))`, element by element. */
export const hiresCam: CamMethod = {
  kind: 'cam',
  reads: 'class',
  name: 'hires-cam',
  title: 'HiResCAM',
  source: 'Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of CNNs, 2020',
  build: (layer) => layer.single(layer.times(layer.gradient(), layer.activations)),
}
