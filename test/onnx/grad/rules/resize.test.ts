import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { floatTensor } from '../../../../src/onnx/tensors.ts'
import { float, int, ints, op, shapeTensor, string } from '../../models.ts'
import { type DifferenceCase, gradientError, gradientModel } from '../differences.ts'

const ERROR = 1e-4

/** Before operator set 13 no input may be left out before one that is given. */
const NONE = floatTensor('none', [], [0])

const COORDINATES = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
] as const

/** Operator sets that know the coordinates. */
const KNOWN: Readonly<Partial<Record<(typeof COORDINATES)[number], readonly number[]>>> = {
  half_pixel_symmetric: [26],
  tf_half_pixel_for_nn: [11],
}

const SCALES = {
  'doubled and tripled': [1, 1, 2, 3],
  'shrunk to half': [1, 1, 0.5, 0.5],
  'by odd factors': [1, 1, 1.7, 0.6],
  'to one pixel': [1, 1, 0.2, 0.25],
} as const

function byScales(scales: readonly number[], attributes: Attributes): DifferenceCase {
  const tensors = [NONE, floatTensor('scales', scales, [4])]
  return { x: [2, 5, 4], step: 1, nodes: [op('Resize', 'x none scales', 'y', attributes)], tensors }
}

describe.each(COORDINATES)('Resize, %s', (coordinates) => {
  const opsets = KNOWN[coordinates] ?? [11, 26]
  const mode = { coordinate_transformation_mode: string(coordinates) }
  for (const opset of opsets) {
    for (const [name, scales] of Object.entries(SCALES)) {
      it.each(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'])(
        `nearest, ${name}, %s, opset ${opset}`,
        async (rounding) => {
          const test = byScales(scales, { ...mode, mode: string('nearest'), nearest_mode: string(rounding) })
          expect(await gradientError({ opset, ...test })).toBeLessThan(ERROR)
        },
      )
      it.each(['linear', 'cubic'])(`%s, ${name}, opset ${opset}`, async (kind) => {
        expect(await gradientError({ opset, ...byScales(scales, { ...mode, mode: string(kind) }) })).toBeLessThan(ERROR)
      })
    }
  }
})

interface Form {
  readonly opsets: readonly number[]
  readonly make: (opset: number) => DifferenceCase
}

const SIZES = shapeTensor('sizes', 2, 2, 7, 6)

const CASES: Readonly<Record<string, Form>> = {
  'Upsample, nearest': {
    opsets: [7, 9],
    make: (opset) => upsample(opset, 'nearest', [1, 1, 2, 3]),
  },
  'Upsample, nearest by an odd factor': {
    opsets: [7, 9],
    make: (opset) => upsample(opset, 'nearest', [1, 1, 1.5, 2.4]),
  },
  'Upsample, linear': { opsets: [7, 9], make: (opset) => upsample(opset, 'linear', [1, 1, 2, 1.6]) },
  'Resize of opset 10, shrinking': {
    opsets: [10],
    make: () => resize10('nearest', [1, 1, 0.6, 0.5]),
  },
  'Resize of opset 10, linear': { opsets: [10], make: () => resize10('linear', [1, 1, 2, 0.7]) },
  'to sizes that follow from shapes': {
    opsets: [11, 13, 18],
    make: () => ({
      x: [2, 5, 4],
      nodes: [
        op('Shape', 'x', 's'),
        op('Slice', 's zero two', 'outer'),
        op('Slice', 's two far', 'inner'),
        op('Mul', 'inner two', 'double'),
        op('Concat', 'outer double', 'sizes', { axis: int(0) }),
        op('Resize', 'x none none sizes', 'y', { mode: string('linear') }),
      ],
      tensors: [NONE, shapeTensor('zero', 0), shapeTensor('two', 2), shapeTensor('far', 99)],
    }),
  },
  'by scales that are computed as floats': {
    opsets: [11, 13],
    make: () => ({
      x: [2, 5, 4],
      nodes: [
        op('Shape', 'x', 's'),
        op('Slice', 's two far', 'inner'),
        op('Cast', 'inner', 'f', { to: int(1) }),
        op('Mul', 'f factor', 'm'),
        op('Floor', 'm', 'floor'),
        op('Div', 'floor f', 'ratio'),
        op('Concat', 'ones ratio', 'scales', { axis: int(0) }),
        op('Resize', 'x none scales', 'y', { mode: string('nearest') }),
      ],
      tensors: [
        NONE,
        shapeTensor('two', 2),
        shapeTensor('far', 99),
        floatTensor('factor', [1.7], [1]),
        floatTensor('ones', [1, 1], [2]),
      ],
    }),
  },
  'of what is pooled behind': {
    opsets: [11, 18],
    make: () => ({
      x: [2, 5, 4],
      nodes: [op('Resize', 'x none scales', 'r', { mode: string('linear') }), op('GlobalAveragePool', 'r', 'y')],
      tensors: [NONE, floatTensor('scales', [1, 1, 1.7, 2], [4])],
    }),
  },
  'of a line': {
    opsets: [11, 18],
    make: () => ({
      x: [2, 5],
      nodes: [
        op('Resize', 'x none scales', 'y', {
          mode: string('nearest'),
          coordinate_transformation_mode: string('asymmetric'),
        }),
      ],
      tensors: [NONE, floatTensor('scales', [1, 1, 2], [3])],
    }),
  },
  'cubic, neighbours outside left out, another kernel': {
    opsets: [11, 13, 18],
    make: () =>
      byScales([1, 1, 1.7, 2], { mode: string('cubic'), exclude_outside: int(1), cubic_coeff_a: float(-0.5) }),
  },
  'of chosen axes': {
    opsets: [18, 26],
    make: () => ({
      x: [2, 5, 4],
      nodes: [op('Resize', 'x none none sizes', 'y', { mode: string('linear'), axes: ints(-2, 3) })],
      tensors: [NONE, shapeTensor('sizes', 8, 3)],
    }),
  },
  ...Object.fromEntries(
    ['not_larger', 'not_smaller'].map((policy) => [
      `with the aspect ratio kept, ${policy}`,
      {
        opsets: [18, 26],
        make: () => ({
          x: [2, 5, 4],
          nodes: [
            op('Resize', 'x none none sizes', 'y', {
              mode: string('linear'),
              axes: ints(2, 3),
              keep_aspect_ratio_policy: string(policy),
            }),
          ],
          tensors: [NONE, shapeTensor('sizes', 9, 7)],
        }),
      },
    ]),
  ),
  ...Object.fromEntries(
    ['linear', 'cubic'].flatMap((mode) =>
      [0, 1].map((excluded) => [
        `antialiased, ${mode}, exclude_outside ${excluded}`,
        {
          opsets: [18, 26],
          make: () =>
            byScales([1, 1, 0.5, 0.6], { mode: string(mode), antialias: int(1), exclude_outside: int(excluded) }),
        },
      ]),
    ),
  ),
}

function upsample(opset: number, mode: string, scales: readonly number[]): DifferenceCase {
  const rest = { x: [2, 5, 4], step: 1 }
  if (opset < 9)
    return { ...rest, nodes: [op('Upsample', 'x', 'y', { mode: string(mode), scales: { floats: scales } })] }
  return {
    ...rest,
    nodes: [op('Upsample', 'x scales', 'y', { mode: string(mode) })],
    tensors: [NONE, floatTensor('scales', scales, [4])],
  }
}

function resize10(mode: string, scales: readonly number[]): DifferenceCase {
  const tensors = [floatTensor('scales', scales, [4])]
  return { x: [2, 5, 4], nodes: [op('Resize', 'x scales', 'y', { mode: string(mode) })], tensors }
}

describe.each(Object.entries(CASES))('%s', (_name, { opsets, make }) => {
  it.each(opsets)('opset %i', async (opset) => {
    expect(await gradientError({ opset, step: 1, ...make(opset) })).toBeLessThan(ERROR)
  })
})

it('a crop that is resized is refused by its coordinates', async () => {
  const attributes = { mode: string('linear'), coordinate_transformation_mode: string('tf_crop_and_resize') }
  const nodes = [op('Resize', 'x roi - sizes', 'y', attributes)]
  const tensors = [floatTensor('roi', [0, 0, 0, 0, 1, 1, 1, 1], [8]), SIZES]
  const refusal = gradientModel({ opset: 13, x: [2, 5, 4], nodes, tensors })
  await expect(refusal).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
})
