import type { PixelMethod } from './method.ts'

/** `grey` of the mean gradient over 25 noisy copies, sigma = 0.15 (max x - min x) of the window, seeded. */
export const smoothgrad: PixelMethod = {
  kind: 'pixels',
  name: 'smoothgrad',
  title: 'SmoothGrad',
  source: 'Smilkov et al., SmoothGrad: removing noise by adding noise, 2017',
  build: (image) => image.gradient('plain'),
  copies: { kind: 'noise', count: 25, strength: 0.15 },
}
