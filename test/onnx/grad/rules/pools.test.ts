import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { int, ints, op, shapeTensor, string } from '../../models.ts'
import { run } from '../../ort.ts'
import { gradientError, gradientModel } from '../differences.ts'

interface PoolCase {
  readonly name: string
  readonly x: readonly number[]
  readonly attributes: Attributes
  /** First operator set that knows the attributes. */
  readonly since?: number
}

const WINDOWS: readonly PoolCase[] = [
  { name: '2x2 tiles', x: [3, 6, 4], attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2) } },
  { name: '2x2 tiles, a remainder left', x: [3, 7, 5], attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2) } },
  {
    name: '3x3 s2 p1',
    x: [2, 8, 7],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) },
  },
  { name: '3x3 s1 p1', x: [2, 5, 6], attributes: { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) } },
  { name: '3x2 s1, pads on one side', x: [2, 5, 6], attributes: { kernel_shape: ints(3, 2), pads: ints(0, 0, 2, 1) } },
  {
    name: 'SAME_UPPER s2',
    x: [2, 7, 8],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), auto_pad: string('SAME_UPPER') },
  },
  {
    name: 'SAME_LOWER s2',
    x: [2, 7, 8],
    attributes: { kernel_shape: ints(2, 3), strides: ints(2, 2), auto_pad: string('SAME_LOWER') },
  },
  {
    name: '2x2 s2, dilated, with a pad at the end',
    x: [2, 4, 4],
    attributes: {
      kernel_shape: ints(2, 2),
      strides: ints(2, 2),
      dilations: ints(2, 2),
      pads: ints(0, 0, 1, 1),
    },
    since: 19,
  },
  { name: 'the whole input', x: [3, 4, 5], attributes: { kernel_shape: ints(4, 5) } },
  { name: 'stride wider than the kernel', x: [2, 9, 8], attributes: { kernel_shape: ints(2, 2), strides: ints(3, 4) } },
  {
    name: 'ceil_mode',
    x: [2, 8, 6],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), ceil_mode: int(1) },
    since: 10,
  },
  {
    name: 'ceil_mode with pads',
    x: [2, 6, 8],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1), ceil_mode: int(1) },
    since: 10,
  },
  { name: 'one-dimensional', x: [2, 9], attributes: { kernel_shape: ints(3), strides: ints(2), pads: ints(1, 0) } },
  {
    name: 'three-dimensional tiles',
    x: [2, 4, 2, 6],
    attributes: { kernel_shape: ints(2, 2, 3), strides: ints(2, 2, 3) },
  },
  {
    name: 'three-dimensional, overlapping',
    x: [2, 4, 3, 5],
    attributes: { kernel_shape: ints(3, 2, 2), strides: ints(2, 1, 2), pads: ints(1, 0, 1, 0, 1, 0) },
  },
]

const DILATED: PoolCase = {
  name: 'dilated',
  x: [2, 9, 8],
  attributes: { kernel_shape: ints(3, 2), dilations: ints(2, 3), strides: ints(1, 2), pads: ints(1, 1, 1, 1) },
}

describe.each([7, 9, 11, 13, 17, 22])('opset %i', (opset) => {
  const known = (cases: readonly PoolCase[]): readonly PoolCase[] => cases.filter(({ since = 7 }) => opset >= since)

  it.each(known([...WINDOWS, { ...DILATED, since: 10 }]))('max pool: $name', async ({ x, attributes }) => {
    const nodes = [op('MaxPool', 'x', 'y', attributes)]
    expect(await gradientError({ opset, x, nodes })).toBeLessThan(1e-4)
  })

  it.each(known([...WINDOWS, { ...DILATED, since: 19 }]))('average pool: $name', async ({ x, attributes }) => {
    const nodes = [op('AveragePool', 'x', 'y', attributes)]
    expect(await gradientError({ opset, x, nodes, step: 1 })).toBeLessThan(1e-4)
  })

  it.each(known([...WINDOWS, { ...DILATED, since: 19 }]))(
    'average pool that counts its pads: $name',
    async ({ x, attributes }) => {
      const nodes = [op('AveragePool', 'x', 'y', { ...attributes, count_include_pad: int(1) })]
      expect(await gradientError({ opset, x, nodes, step: 1 })).toBeLessThan(1e-4)
    },
  )

  it.runIf(opset >= 8)('max pool with column-major indices', async () => {
    const attributes = { kernel_shape: ints(3, 2), strides: ints(2, 1), storage_order: int(1) }
    expect(await gradientError({ opset, x: [2, 7, 5], nodes: [op('MaxPool', 'x', 'y', attributes)] })).toBeLessThan(
      1e-4,
    )
  })

  it('global average pool', async () => {
    expect(await gradientError({ opset, x: [3, 5, 4], nodes: [op('GlobalAveragePool', 'x', 'y')] })).toBeLessThan(1e-4)
  })

  it('global max pool', async () => {
    expect(await gradientError({ opset, x: [3, 5, 4], nodes: [op('GlobalMaxPool', 'x', 'y')] })).toBeLessThan(1e-4)
  })

  it('global max pool shares the gradient among equal maxima', async () => {
    const model = await gradientModel({ opset, x: [1, 2, 2], nodes: [op('GlobalMaxPool', 'x', 'y')] })
    const x = { data: Float32Array.of(1, 3, 3, 2), dims: [1, 1, 2, 2] }
    const out = await run(model, { x, seed: { data: Float32Array.of(5), dims: [1, 1, 1, 1] } })
    expect(Array.from(out[model.dx]?.data ?? [], Number)).toEqual([0, 2.5, 2.5, 0])
  })

  it('max pool gives ties to the first maximum in row-major order, padding never', async () => {
    const nodes = [op('MaxPool', 'x', 'y', { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) })]
    const model = await gradientModel({ opset, x: [1, 4, 4], nodes })
    const zeros = { data: new Float32Array(16), dims: [1, 1, 4, 4] }
    const out = await run(model, { x: zeros, seed: { data: Float32Array.of(1, 2, 3, 4), dims: [1, 1, 2, 2] } })
    expect(Array.from(out[model.dx]?.data ?? [], Number)).toEqual([1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  })
})

it.each([7, 10, 13, 17, 26])(
  'operator set %i: a slice of an average pool, whose gradient is padded, is no pool of it',
  async (opset) => {
    const cut =
      opset < 10
        ? { nodes: [op('Slice', 'p', 'y', { axes: ints(2), starts: ints(2), ends: ints(4) })], tensors: [] }
        : {
            nodes: [op('Slice', 'p starts ends axes', 'y')],
            tensors: [shapeTensor('starts', 2), shapeTensor('ends', 4), shapeTensor('axes', 2)],
          }
    const pool = op('AveragePool', 'x', 'p', { kernel_shape: ints(3, 3) })
    const test = { opset, x: [2, 6, 4], nodes: [pool, ...cut.nodes], tensors: cut.tensors }
    expect(await gradientError(test)).toBeLessThan(1e-4)
  },
)

it('global average pooling adds no node: one number per channel stays one number', async () => {
  const model = await gradientModel({ x: [3, 5, 4], nodes: [op('GlobalAveragePool', 'x', 'y')] })
  // the one node is the test's own expansion to the input's shape
  expect(model.nodes.map((node) => node.opType)).toEqual(['Mul'])
})

describe.each(['MaxPool', 'AveragePool'])('%s whose ceil_mode reaches behind the padding', (opType) => {
  const attributes = { kernel_shape: ints(1, 1), strides: ints(2, 1), ceil_mode: int(1) }
  it.each([10, 13, 17, 21])('is refused where operator set %i counts a window that does not run', async (opset) => {
    const model = gradientModel({ opset, x: [1, 2, 1], nodes: [op(opType, 'x', 'y', attributes)] })
    await expect(model).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })

  it('passes its gradient from operator set 22 on', async () => {
    const nodes = [op(opType, 'x', 'y', attributes)]
    expect(await gradientError({ opset: 22, x: [1, 2, 1], nodes })).toBeLessThan(1e-4)
  })
})
