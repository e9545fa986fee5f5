import type { PixelMethod } from './method.ts'

/** `grey(d z / d x)`. */
export const gradient: PixelMethod = {
  kind: 'pixels',
  name: 'gradient',
  title: 'Gradient',
  source: 'Simonyan et al., Deep Inside Convolutional Networks: Visualising Image Classification Models, 2014',
  build: (image) => image.gradient('plain'),
  copies: { kind: 'none' },
}
