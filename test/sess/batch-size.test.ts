import { describe, expect, it } from 'vitest'
import type { TensorFacts } from '../../src/onnx/shapes.ts'
import { autoBatch } from '../../src/sess/batch-size.ts'

const tensors = (...dims: TensorFacts['dims'][]) =>
  new Map(dims.map((d, i) => [`t${i}`, { dims: d, dtype: 'float32' } as const]))
const batch = { batch: 1 }

describe('the batch where nothing is said', () => {
  it.each([
    [1, 8],
    [2, 8],
    [16, 16],
  ])('gives each of %i threads work: %i windows', (threads, expected) => {
    expect(autoBatch(tensors([batch, 3, 224, 224], [batch, 64, 112, 112]), threads)).toBe(expected)
  })

  it('is smaller where activations are large, and never nothing', () => {
    expect(autoBatch(tensors([batch, 64, 400, 400]), 8)).toBe(2)
    expect(autoBatch(tensors([batch, 512, 2048, 2048]), 8)).toBe(1)
  })

  it('does not count weights', () => {
    expect(autoBatch(tensors([batch, 3, 8, 8], [1e9]), 2)).toBe(8)
  })

  it('counts every image of a merged axis', () => {
    expect(autoBatch(tensors([{ batch: 4096 }, 64, 64]), 8)).toBe(1)
  })
})
