import type { LayerGraph } from '../onnx/layer-graph.ts'
import type { CamMethod } from './method.ts'

/** Squarings of the Gram matrix: its 16,384th power leaves 1e-7 of a second eigenvalue of 0.999 times the first. */
const SQUARINGS = 14

/**
 * The activations' projection onto their first principal direction: A as (uv x C) with centred columns, `relu(A v)`, v
 * the first right singular vector with the sign that correlates with `sum_c A_c`. No gradient and no class is asked.
 *
 * The limit of `K^n r / |K^n r|`, K the smaller Gram matrix and r the centred `sum_c A_c`, is that projection's
 * direction with that very sign; the length is lost in `norm`.
 */
export const eigenCam: CamMethod = {
  kind: 'cam',
  reads: 'activations',
  name: 'eigen-cam',
  title: 'Eigen-CAM',
  source: 'Muhammad and Yeasin, Eigen-CAM: Class Activation Map using Principal Components, 2020',
  build: (layer) => {
    const { e, channels, cells } = layer
    const columns = layer.flat(layer.activations) // N x C x uv
    const centred = e.emit('Sub', [columns, e.reduceMean(columns, [2])])
    const rows = e.emit('Transpose', [centred], { perm: { ints: [0, 2, 1] } })
    const reference = e.reduceSum(rows, [2]) // N x uv x 1
    const projection =
      cells <= channels
        ? e.emit('MatMul', [limitPower(layer, e.emit('MatMul', [rows, centred])), reference])
        : e.emit('MatMul', [
            rows,
            e.emit('MatMul', [
              limitPower(layer, e.emit('MatMul', [centred, rows])),
              e.emit('MatMul', [centred, reference]),
            ]),
          ])
    return layer.single(layer.onGrid(projection))
  },
}

/** A high power of each matrix of N x n x n, scaled to a norm of 1 on the way. */
function limitPower({ e }: LayerGraph, gram: string): string {
  let power = gram
  for (let i = 0; i < SQUARINGS; i++) {
    const norm = e.emit('Sqrt', [e.reduceSum(e.emit('Mul', [power, power]), [1, 2])])
    const scaled = e.emit('Div', [power, e.emit('Add', [norm, e.scalar(1e-30)])])
    power = e.emit('MatMul', [scaled, scaled])
  }
  return power
}
