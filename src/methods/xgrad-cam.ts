import type { CamMethod } from './method.ts'

/** `up(relu(sum_c w_c A_c))`, `w_c = sum_uv(g_c A_c) / (sum_uv A_c + 1e-7)`. */
export const xgradCam: CamMethod = {
  kind: 'cam',
  reads: 'class',
  name: 'xgrad-cam',
  title: 'XGrad-CAM',
  source: 'Fu et al., Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs, 2020',
  build: (layer) => {
    const { e } = layer
    const product = layer.times(layer.gradient(), layer.activations)
    const total = e.emit('Add', [layer.sumOf(layer.activations), e.scalar(1e-7)])
    const weights = e.emit('Div', [layer.sumOf(product), total])
    return layer.weighted(layer.perChannel(weights))
  },
}
