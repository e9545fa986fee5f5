import type { PixelMethod } from './method.ts'

/**
 * `grey((x - x0) mean over steps of d z / d x)`, 50 steps, midpoint rule, x0 the mean colour: 0 after preprocessing. The
 * graph gives `a x d z / d x` at `a x`; dividing by `a` before the mean leaves the formula's `x`.
 */
export const integratedGradients: PixelMethod = {
  kind: 'pixels',
  name: 'integrated-gradients',
  title: 'Integrated gradients',
  source: 'Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017',
  build: (image) => image.e.emit('Mul', [image.name, image.gradient('plain')]),
  copies: { kind: 'path', count: 50 },
}
