import type { CamMethod } from './method.ts'

/** `up(relu(sum_c relu(g_c) A_c))`, element by element. */
export const layerCam: CamMethod = {
  kind: 'cam',
  reads: 'class',
  name: 'layer-cam',
  title: 'LayerCAM',
  source: 'Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for Localization, 2021',
  build: (layer) => {
    const g = layer.settled(layer.gradient())
    return layer.single(layer.times({ ...g, name: layer.e.emit('Relu', [g.name]) }, layer.activations))
  },
}
