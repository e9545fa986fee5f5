import type { TensorProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { tensorValues } from '../../../../src/onnx/tensors.ts'
import { float, int, op, positiveTensor, randomTensor, size } from '../../models.ts'
import { gradientAt, gradientError, gradientModel } from '../differences.ts'
import { OPSETS, reduction, smooth } from '../forms.ts'

const single = { step: 1e-4, values: (_: number, next: () => number) => next() * 2 } as const

/** `normalise` applied to each run of numbers that lie `stride` apart, as plain loops. */
function eachRun(
  x: readonly number[],
  length: number,
  stride: number,
  normalise: (run: readonly number[]) => readonly number[],
): readonly number[] {
  const y = [...x]
  for (let start = 0; start < x.length; start++) {
    if (Math.floor(start / stride) % length !== 0) continue
    const places = Array.from({ length }, (_, i) => start + i * stride)
    normalise(places.map((place) => x[place] ?? 0)).forEach((value, i) => {
      y[places[i] ?? 0] = value
    })
  }
  return y
}

const average = (run: readonly number[]): number => run.reduce((sum, value) => sum + value, 0) / run.length

const standardised =
  (divisor: (variance: number) => number) =>
  (run: readonly number[]): readonly number[] => {
    const mean = average(run)
    const variance = average(run.map((value) => (value - mean) ** 2))
    return run.map((value) => (value - mean) / divisor(variance))
  }

describe.each(OPSETS)('opset %i', (opset) => {
  it('BatchNormalization at inference', async () => {
    const nodes = [op('BatchNormalization', 'x s b m v', 'y', { epsilon: float(0.01) })]
    const tensors = [randomTensor('s', [3]), randomTensor('b', [3]), randomTensor('m', [3]), positiveTensor('v', [3])]
    for (const x of [[3, 4, 2], [3, 5], [3]]) {
      expect(await gradientError({ opset, x, nodes, tensors, step: 1 })).toBeLessThan(1e-4)
    }
  })

  it('BatchNormalization that is not one scale per channel, or trains, is refused', async () => {
    const tensors = ['s', 'b', 'm', 'v'].map((name) => positiveTensor(name, [3]))
    const batchNorm = (outputs: string, attributes: Attributes) =>
      gradientModel({ opset, x: [3], nodes: [op('BatchNormalization', 'x s b m v', outputs, attributes)], tensors })
    if (opset < 9) await expect(batchNorm('y', { spatial: int(0) })).rejects.toThrow(/each pixel for itself/)
    if (opset >= 14) await expect(batchNorm('y', { training_mode: int(1) })).rejects.toThrow(/training mode/)
  })

  it('InstanceNormalization', async () => {
    const epsilon = 0.01
    for (const x of [
      [3, 4, 2],
      [3, 7],
    ]) {
      const [channels = 1, ...spatial] = x
      const [s, b] = [randomTensor('s', [channels]), randomTensor('b', [channels])]
      const [scale, bias] = [tensorValues(s) ?? [], tensorValues(b) ?? []]
      const pixels = size(spatial)
      const forward = (values: readonly number[]): readonly number[] =>
        eachRun(
          values,
          pixels,
          1,
          standardised((variance) => Math.sqrt(variance + epsilon)),
        ).map((n, i) => {
          const channel = Math.floor(i / pixels) % channels
          return n * (scale[channel] ?? 0) + (bias[channel] ?? 0)
        })
      const nodes = [op('InstanceNormalization', 'x s b', 'y', { epsilon: float(epsilon) })]
      expect(await gradientError({ opset, x, nodes, tensors: [s, b], forward, ...single })).toBeLessThan(1e-5)
    }
  })

  it.each([
    ['three', 3, 1e-2, 0.75, 1],
    ['five', 5, 0.5, 0.5, 2],
    ['a channel alone', 1, 0.3, 1, 1],
    ['wider than the channels', 9, 0.3, 0.75, 0.5],
  ])('LRN over a window: %s', async (_, window, alpha, beta, bias) => {
    const attributes = { size: int(window), alpha: float(alpha), beta: float(beta), bias: float(bias) }
    const [before, after] = [Math.floor((window - 1) / 2), Math.ceil((window - 1) / 2)]
    const forward = (x: readonly number[]): readonly number[] =>
      eachRun(x, 6, 10, (run) =>
        run.map((value, c) => {
          const near = run.slice(Math.max(c - before, 0), c + after + 1)
          const sum = near.reduce((total, neighbour) => total + neighbour ** 2, 0)
          return value / (bias + (alpha / window) * sum) ** beta
        }),
      )
    const test = { x: [6, 5, 2], nodes: [op('LRN', 'x', 'y', attributes)], forward }
    expect(await gradientError({ opset, ...test, ...single })).toBeLessThan(1e-5)
  })

  it.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [1, -1],
  ])('LpNormalization, p = %i, axis %i', async (p, axis) => {
    const nodes = [op('LpNormalization', 'x', 'y', { p: int(p), axis: int(axis) })]
    expect(await gradientError({ opset, x: [5, 4], nodes, ...smooth })).toBeLessThan(1e-5)
  })

  it('LpNormalization of nothing has no gradient', async () => {
    const test = { opset, x: [3], nodes: [op('LpNormalization', 'x', 'y', { axis: int(1) })] }
    expect(await gradientAt(test, [0, 0, 0], [1, 2, 3])).toEqual([0, 0, 0])
  })
})

interface LayerNormCase {
  readonly x: readonly number[]
  /** Shape of scale and bias. */
  readonly scale: readonly number[]
  /** How many of the last numbers are normalised together. */
  readonly length: number
  readonly attributes?: Attributes
  readonly epsilon?: number
}

const LAYER_NORMS: Readonly<Record<string, LayerNormCase>> = {
  'the last axis': { x: [5, 7], scale: [7], length: 7 },
  'two axes': {
    x: [3, 5, 4],
    scale: [5, 4],
    length: 20,
    attributes: { axis: int(-2), epsilon: float(0.125) },
    epsilon: 0.125,
  },
  'all but the batch': { x: [3, 4], scale: [3, 4], length: 12, attributes: { axis: int(1) } },
  'a scale that is broadcast': { x: [3, 4], scale: [1], length: 4, attributes: { axis: int(2) } },
  'an axis of length 1': { x: [3, 1], scale: [1], length: 1, attributes: { epsilon: float(0.5) }, epsilon: 0.5 },
}

/** Plain loops of `n scale + bias`, the scale and the bias repeated over the numbers of an image. */
function affine(
  normalise: (run: readonly number[]) => readonly number[],
  length: number,
  tensors: readonly TensorProto[],
): (x: readonly number[]) => readonly number[] {
  const [scale = [], bias = [0]] = tensors.map((tensor) => tensorValues(tensor) ?? [])
  return (x) =>
    eachRun(x, length, 1, normalise).map((n, i) => n * (scale[i % scale.length] ?? 0) + (bias[i % bias.length] ?? 0))
}

describe.each([17, 21, 26])('LayerNormalization, opset %i', (opset) => {
  it.each(Object.entries(LAYER_NORMS))('over %s', async (_, { x, scale, length, attributes, epsilon = 1e-5 }) => {
    const tensors = [randomTensor('s', scale), randomTensor('b', scale)]
    const normalise = standardised((variance) => Math.sqrt(variance + epsilon))
    const nodes = [op('LayerNormalization', 'x s b', 'n', attributes), op('Add', 'n x', 'y')]
    const layerNorm = affine(normalise, length, tensors)
    const forward = (values: readonly number[]) => layerNorm(values).map((n, i) => n + (values[i] ?? 0))
    expect(await gradientError({ opset, x, nodes, tensors, forward, ...single })).toBeLessThan(1e-5)
  })

  it('without a bias, its tokens averaged', async () => {
    const tensors = [randomTensor('s', [7])]
    const layerNorm = affine(
      standardised((variance) => Math.sqrt(variance + 1e-5)),
      7,
      tensors,
    )
    const mean = reduction(opset, 'ReduceMean', [1], { keepdims: int(0) }, ['n', 'y'])
    const forward = (values: readonly number[]): readonly number[] => {
      const n = layerNorm(values)
      const at = (image: number, token: number, k: number): number => n[(image * 5 + token) * 7 + k] ?? 0
      return Array.from({ length: 14 }, (_, i) => {
        const [image, k] = [Math.floor(i / 7), i % 7]
        return average([0, 1, 2, 3, 4].map((token) => at(image, token, k)))
      })
    }
    const nodes = [op('LayerNormalization', 'x s', 'n'), ...mean.nodes]
    const test = { opset, x: [5, 7], nodes, tensors: [...tensors, ...mean.tensors], forward }
    expect(await gradientError({ ...test, ...single })).toBeLessThan(1e-5)
  })

  it('whose scale and bias are computed from each image', async () => {
    const mean = reduction(opset, 'ReduceMean', [1], {}, ['x', 'm'])
    const nodes = [...mean.nodes, op('LayerNormalization', 'x m m', 'y')]
    const standard = standardised((variance) => Math.sqrt(variance + 1e-5))
    const forward = (values: readonly number[]): readonly number[] => {
      const m = (i: number): number => {
        const [image, k] = [Math.floor(i / 35), i % 7]
        return average([0, 1, 2, 3, 4].map((token) => values[image * 35 + token * 7 + k] ?? 0))
      }
      return eachRun(values, 7, 1, standard).map((n, i) => n * m(i) + m(i))
    }
    const test = { opset, x: [5, 7], nodes, tensors: mean.tensors, forward }
    expect(await gradientError({ ...test, ...single })).toBeLessThan(1e-5)
  })

  it('is finite where all numbers are equal', async () => {
    const tensors = [randomTensor('s', [4])]
    const dx = await gradientAt(
      { opset, x: [4], nodes: [op('LayerNormalization', 'x s', 'y')], tensors },
      [3, 3, 3, 3],
      [1, 2, 3, 4],
    )
    expect(dx.every(Number.isFinite)).toBe(true)
  })
})

const rootMeanSquare =
  (epsilon: number) =>
  (run: readonly number[]): readonly number[] =>
    run.map((value) => value / Math.sqrt(average(run.map((other) => other ** 2)) + epsilon))

describe.each([23, 26])('RMSNormalization, opset %i', (opset) => {
  it.each(Object.entries(LAYER_NORMS))('over %s', async (_, { x, scale, length, attributes, epsilon = 1e-5 }) => {
    const tensors = [randomTensor('s', scale)]
    const forward = affine(rootMeanSquare(epsilon), length, tensors)
    const nodes = [op('RMSNormalization', 'x s', 'y', attributes)]
    expect(await gradientError({ opset, x, nodes, tensors, forward, ...single })).toBeLessThan(1e-5)
  })
})

describe.each([18, 20, 21, 26])('GroupNormalization, opset %i', (opset) => {
  it.each([
    ['three groups', [6, 3, 2], 3],
    ['one group', [4, 5], 1],
    ['each channel a group', [3, 2, 2], 3],
  ] as const)('of %s', async (_, x, groups) => {
    const [channels = 1, ...spatial] = x
    const pixels = size(spatial)
    const scales = opset < 21 ? groups : channels
    const tensors = [randomTensor('s', [scales]), randomTensor('b', [scales])]
    const [scale = [], bias = []] = tensors.map((tensor) => tensorValues(tensor) ?? [])
    const forward = (values: readonly number[]): readonly number[] =>
      eachRun(
        values,
        size(x) / groups,
        1,
        standardised((variance) => Math.sqrt(variance + 0.01)),
      ).map((n, i) => {
        const channel = Math.floor(i / pixels) % channels
        const k = Math.floor((channel * scales) / channels)
        return n * (scale[k] ?? 0) + (bias[k] ?? 0)
      })
    const attributes = { num_groups: int(groups), epsilon: float(0.01) }
    const nodes = [op('GroupNormalization', 'x s b', 'y', attributes)]
    expect(await gradientError({ opset, x, nodes, tensors, forward, ...single })).toBeLessThan(1e-5)
  })
})
