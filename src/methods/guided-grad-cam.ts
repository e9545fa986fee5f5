import { gradCam } from './grad-cam.ts'
import type { PixelMethod } from './method.ts'

/** `grey(guided gradient * up(grad-cam before norm))`. */
export const guidedGradCam: PixelMethod = {
  kind: 'pixels',
  name: 'guided-grad-cam',
  title: 'Guided Grad-CAM',
  source: 'Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017',
  build: (image) => {
    const layer = image.layer()
    const { features, weights } = gradCam.build(layer)
    const sum = weights === undefined ? features : layer.weightedSum(features, weights)
    return image.e.emit('Mul', [image.gradient('guided'), image.upsampled(image.e.emit('Relu', [sum]), layer)])
  },
  readsLayer: true,
  copies: { kind: 'none' },
}
