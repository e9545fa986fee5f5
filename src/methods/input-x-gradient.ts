import type { PixelMethod } from './method.ts'

/** `grey(x d z / d x)`, x after preprocessing. */
export const inputXGradient: PixelMethod = {
  kind: 'pixels',
  name: 'input-x-gradient',
  title: 'Input x gradient',
  source:
    'Shrikumar et al., Not Just a Black Box: Learning Important Features Through Propagating Activation Differences, 2016',
  build: (image) => image.e.emit('Mul', [image.name, image.gradient('plain')]),
  copies: { kind: 'none' },
}
