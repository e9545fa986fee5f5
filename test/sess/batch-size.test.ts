import { describe, expect, it } from 'vitest'
import { SessError } from '../../src/error.ts'
import type { TensorFacts } from '../../src/onnx/shapes.ts'
import { autoBatch, inSmallerBatches } from '../../src/sess/batch-size.ts'

const tensors = (...dims: TensorFacts['dims'][]) =>
  new Map(dims.map((d, i) => [`t${i}`, { dims: d, dtype: 'float32' } as const]))
const batch = { batch: 1 }
const eight = { type: 'cpu', threads: 8 } as const

describe('the batch where nothing is said', () => {
  it.each([
    [1, 8],
    [2, 8],
    [16, 16],
  ])('gives each of %i threads work: %i windows', (threads, expected) => {
    expect(autoBatch(tensors([batch, 3, 224, 224], [batch, 64, 112, 112]), { type: 'cpu', threads })).toBe(expected)
  })

  it('is smaller where activations are large, and never nothing', () => {
    expect(autoBatch(tensors([batch, 64, 400, 400]), eight)).toBe(2)
    expect(autoBatch(tensors([batch, 512, 2048, 2048]), eight)).toBe(1)
  })

  it('does not count weights', () => {
    expect(autoBatch(tensors([batch, 3, 8, 8], [1e9]), { type: 'cpu', threads: 2 })).toBe(8)
  })

  it('counts every image of a merged axis', () => {
    expect(autoBatch(tensors([{ batch: 4096 }, 64, 64]), eight)).toBe(1)
  })

  it.each<[string, number, TensorFacts['dims'][], number]>([
    [
      'large',
      80,
      [
        [batch, 3, 224, 224],
        [batch, 64, 112, 112],
      ],
      64,
    ],
    ['large', 80, [[batch, 512, 1024, 1024]], 6],
    ['small', 8, [[batch, 64, 112, 112]], 64],
    ['small', 8, [[batch, 64, 1024, 1024]], 5],
    ['small', 8, [[batch, 512, 2048, 2048]], 1],
  ])('is larger on a GPU, as far as its memory goes: %s', (_, gigabytes, shapes, expected) => {
    const cuda = { type: 'cuda', memoryBytes: gigabytes * 2 ** 30 } as const
    expect(autoBatch(tensors(...shapes), cuda)).toBe(expected)
  })
})

describe('batches that do not fit', () => {
  const full = () => Promise.reject(new SessError('OUT_OF_MEMORY', 'There is no room.'))

  it('are halved until one does', async () => {
    const tried: number[] = []
    const run = (size: number) => {
      tried.push(size)
      return size > 4 ? full() : Promise.resolve(`in ${size}`)
    }
    expect(await inSmallerBatches(20, run)).toBe('in 2')
    expect(tried).toEqual([20, 10, 5, 2])
  })

  it('are told where not even one window fits', async () => {
    await expect(inSmallerBatches(8, full)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: 'There is no room. Tried: batches from 8 down to 1.',
    })
  })

  it('are not halved for another reason', async () => {
    const tried: number[] = []
    const run = async (size: number): Promise<never> => {
      tried.push(size)
      throw new SessError('ABORTED', 'The run was aborted.')
    }
    await expect(inSmallerBatches(8, run)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(tried).toEqual([8])
  })
})
