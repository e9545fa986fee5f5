import type { CamMethod } from './method.ts'

/**
 * `up(relu(sum_c w_c A_c))`, `w_c = sum_uv(alpha_c relu(g_c))`, `alpha_c = g_c^2 / (2 g_c^2 + sum_uv(A_c g_c^3))`. A
 * denominator of zero counts as 1, plus 1e-7. The published factor exp(z) is positive and constant: `norm` cancels it.
 */
export const gradCamPlusPlus: CamMethod = {
  kind: 'cam',
  reads: 'class',
  name: 'grad-cam++',
  title: 'Grad-CAM++',
  source: 'Chattopadhay et al., Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks, 2018',
  build: (layer) => {
    const { e } = layer
    const g = layer.settled(layer.gradient())
    const square = e.emit('Mul', [g.name, g.name])
    const cube = e.emit('Mul', [square, g.name])
    const spread = layer.sumOf(e.emit('Mul', [layer.activations, cube]))
    const denominator = e.emit('Add', [e.emit('Mul', [square, e.scalar(2)]), spread])
    const isZero = e.emit('Not', [
      e.emit('Or', [e.emit('Greater', [denominator, e.scalar(0)]), e.emit('Less', [denominator, e.scalar(0)])]),
    ])
    const safe = e.emit('Add', [e.emit('Add', [denominator, e.toFloat(isZero)]), e.scalar(1e-7)])
    const alpha = e.emit('Div', [square, safe])
    const share = e.emit('Mul', [alpha, e.emit('Relu', [g.name])])
    return layer.weighted(layer.sum({ ...g, name: share }))
  },
}
