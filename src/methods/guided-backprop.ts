import type { PixelMethod } from './method.ts'

/**
 * `grey` of the guided gradient: at every Relu, and at every Clip from 0, the gradient passes where it is positive and
 * the unit is active. (The published SESS code leaves ReLU6 unguided.)
 */
export const guidedBackprop: PixelMethod = {
  kind: 'pixels',
  name: 'guided-backprop',
  title: 'Guided backpropagation',
  source: 'Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2014',
  build: (image) => image.gradient('guided'),
  copies: { kind: 'none' },
}
