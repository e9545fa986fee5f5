import type { NodeProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import type { Attributes } from '../../../../src/onnx/messages.ts'
import { int64Tensor } from '../../../../src/onnx/tensors.ts'
import { int, ints, op, randomTensor, shapeTensor, string } from '../../models.ts'
import { type DifferenceCase, gradientError, gradientModel } from '../differences.ts'
import type { Form } from '../forms.ts'

const OPSETS = [7, 9, 10, 11, 13, 17, 18, 19, 21, 26]
const ERROR = 1e-4

/** A Slice in the form of the operator set. */
function slice(opset: number, axes: readonly number[], starts: readonly number[], ends: readonly number[]) {
  if (opset < 10) {
    return { nodes: [op('Slice', 'x', 'y', { axes: ints(...axes), starts: ints(...starts), ends: ints(...ends) })] }
  }
  const tensors = [shapeTensor('starts', ...starts), shapeTensor('ends', ...ends), shapeTensor('axes', ...axes)]
  return { nodes: [op('Slice', 'x starts ends axes', 'y')], tensors }
}

/** A Split in the form of the operator set, `tail` from its parts on. */
function split(opset: number, axis: number, sizes: readonly number[], parts: string, tail: readonly NodeProto[]) {
  if (opset < 13) return { nodes: [op('Split', 'x', parts, { axis: int(axis), split: ints(...sizes) }), ...tail] }
  return {
    nodes: [op('Split', 'x sizes', parts, { axis: int(axis) }), ...tail],
    tensors: [shapeTensor('sizes', ...sizes)],
  }
}

const far = 2 ** 40

const SLICES: Readonly<Record<string, Form>> = {
  'Slice inside an axis': { make: (opset) => ({ x: [5, 4], ...slice(opset, [1], [1], [4]) }) },
  'Slice from the start': { make: (opset) => ({ x: [5, 4], ...slice(opset, [2], [0], [3]) }) },
  'Slice to the end, from the end': { since: 10, make: (opset) => ({ x: [5, 4], ...slice(opset, [-2], [-3], [far]) }) },
  'Slice of several axes': { make: (opset) => ({ x: [5, 4, 3], ...slice(opset, [1, 3], [1, 0], [-1, 2]) }) },
  'Slice that keeps the whole batch': { make: (opset) => ({ x: [5], ...slice(opset, [0, 1], [0, 1], [far, 3]) }) },
  'Slice that takes all': { since: 10, make: (opset) => ({ x: [5, 2], ...slice(opset, [1], [-9], [9]) }) },
  'Slice without axes': {
    make: (opset) =>
      opset < 10
        ? { x: [5], nodes: [op('Slice', 'x', 'y', { starts: ints(0, 2), ends: ints(far, 4) })] }
        : {
            x: [5],
            nodes: [op('Slice', 'x starts ends', 'y')],
            tensors: [shapeTensor('starts', 0, 2), shapeTensor('ends', far, 4)],
          },
  },
  'Slice with steps over 1, negative and past the end': {
    since: 10,
    make: () => ({
      x: [7, 5, 4],
      nodes: [op('Slice', 'x starts ends axes steps', 'y')],
      tensors: [
        shapeTensor('starts', 1, -1, 5),
        shapeTensor('ends', 7, -far, -3),
        shapeTensor('axes', 1, 2, 3),
        shapeTensor('steps', 2, -1, -2),
      ],
    }),
  },
  'Slice of a pooled feature, equal over the pixels': {
    make: (opset) => {
      const { nodes, tensors = [] } = slice(opset, [1, 2], [1, 0], [3, 2])
      return { x: [4, 3, 2], nodes: [...nodes, op('GlobalAveragePool', 'y', 'z')], tensors }
    },
  },
  'Slice with bounds that follow from shapes': {
    since: 10,
    make: () => ({
      x: [5, 4],
      nodes: [
        op('Shape', 'x', 's'),
        op('Gather', 's one', 'channels'),
        op('Div', 'channels two', 'half'),
        op('Slice', 'x half channels one', 'y'),
      ],
      tensors: [shapeTensor('one', 1), shapeTensor('two', 2)],
    }),
  },
}

const SPLITS: Readonly<Record<string, Form>> = {
  'Split, every part used': {
    make: (opset) => ({
      x: [6, 2],
      ...split(opset, 1, [1, 3, 2], 'a b c', [op('Neg', 'a', 'd'), op('Concat', 'c d b', 'y', { axis: int(1) })]),
    }),
  },
  'Split, only the first part used': {
    make: (opset) => ({ x: [6, 2], ...split(opset, 1, [2, 4], 'a b', [op('Neg', 'a', 'y')]) }),
  },
  'Split, only a part in the middle used': {
    make: (opset) => ({ x: [6, 2], ...split(opset, 1, [2, 1, 3], 'a b c', [op('Neg', 'b', 'y')]) }),
  },
  'Split, a part in the middle unused': {
    make: (opset) => ({
      x: [6, 2],
      ...split(opset, -2, [2, 1, 3], 'a b c', [op('Concat', 'c a', 'y', { axis: int(1) })]),
    }),
  },
  'Split in two halves as ShuffleNet does': {
    make: (opset) => {
      const tail = [op('Relu', 'b', 'r'), op('Concat', 'a r', 'c', { axis: int(1) }), op('GlobalAveragePool', 'c', 'y')]
      return { x: [6, 3, 2], step: 2 ** -6, ...split(opset, 1, [3, 3], 'a b', tail) }
    },
  },
  'Split of which one part is pooled': {
    make: (opset) => {
      const tail = [op('GlobalAveragePool', 'b', 'g'), op('Mul', 'a g', 'y')]
      return { x: [6, 3, 2], ...split(opset, 1, [3, 3], 'a b', tail) }
    },
  },
  'Split without sizes': {
    make: (opset) => {
      const attributes = opset < 18 ? { axis: int(1) } : { axis: int(1), num_outputs: int(2) }
      return {
        x: [6],
        nodes: [op('Split', 'x', 'a b', attributes), op('Neg', 'a', 'n'), op('Concat', 'b n', 'y', { axis: int(1) })],
      }
    },
  },
  'Split in parts of which the last is smaller': {
    since: 18,
    make: () => ({
      x: [7],
      nodes: [
        op('Split', 'x', 'a b c', { axis: int(1), num_outputs: int(3) }),
        op('Concat', 'c a', 'y', { axis: int(1) }),
      ],
    }),
  },
}

const index = (name: string, values: readonly number[], dims: readonly number[] = [values.length]) =>
  int64Tensor(name, values, dims)

const GATHERS: Readonly<Record<string, Form>> = Object.fromEntries(
  (
    [
      ['one place by a scalar', index('i', [2], []), 1],
      ['one place from the end', index('i', [-1], []), 3],
      ['a run', index('i', [1, 2, 3]), 1],
      ['a shuffle', index('i', [3, 0, 4, 1, 2]), 1],
      ['every other place', index('i', [0, 2, 4]), 1],
      ['places that repeat', index('i', [2, 2, 0, -3, 4]), 1],
      ['one place many times', index('i', [2, 2, 2, 2, 2, 2, 1]), 1],
      ['a table of places', index('i', [0, 3, 3, 1, -1, 0], [2, 3]), 2],
      ['the last axis, many times', index('i', [1, 1, 1, 1, 1, 0, 2], [7]), 3],
    ] as const
  ).map(([name, tensor, axis]) => [
    `Gather: ${name}`,
    { make: () => ({ x: [5, 4, 3], nodes: [op('Gather', 'x i', 'y', { axis: int(axis) })], tensors: [tensor] }) },
  ]),
)

/** The last two columns of x, weighed, go to two columns of x. */
function scatterElements(attributes: Attributes, places: readonly number[]): DifferenceCase {
  return {
    x: [4],
    nodes: [
      op('Slice', 'x two four one', 'u'),
      op('Mul', 'u w', 'v'),
      op('Shape', 'u', 'shape'),
      op('Expand', 'i shape', 'indices'),
      op('ScatterElements', 'x indices v', 'y', { axis: int(1), ...attributes }),
    ],
    tensors: [
      ...[shapeTensor('one', 1), shapeTensor('two', 2), shapeTensor('four', 4)],
      ...[index('i', places, [1, 2]), randomTensor('w', [2])],
    ],
  }
}

/** The same of rows, each one slice. */
function scatterND(attributes: Attributes, places: readonly number[]): DifferenceCase {
  return {
    x: [4],
    nodes: [
      op('Transpose', 'x', 't', { perm: ints(1, 0) }),
      op('Slice', 't two four zero', 'u'),
      op('Mul', 'u w', 'v'),
      op('ScatterND', 't i v', 's', attributes),
      op('Transpose', 's', 'y', { perm: ints(1, 0) }),
    ],
    tensors: [
      ...[shapeTensor('zero', 0), shapeTensor('two', 2), shapeTensor('four', 4)],
      ...[index('i', places, [2, 1]), randomTensor('w', [2, 1])],
    ],
  }
}

const OTHERS: Readonly<Record<string, Form>> = {
  'Gather by indices that are computed': {
    make: () => ({
      x: [5, 4],
      nodes: [
        op('ArgMax', 'scores', 'best', { axis: int(0), keepdims: int(0) }),
        op('Gather', 'x best', 'y', { axis: int(1) }),
      ],
      tensors: [randomTensor('scores', [5, 7])],
    }),
  },
  'Gather from the last axis by indices that are computed, one from the end': {
    since: 9,
    make: () => ({
      x: [4, 5],
      nodes: [
        op('ArgMax', 'scores', 'best', { axis: int(0), keepdims: int(0) }),
        op('Sub', 'best five', 'back'),
        op('Gather', 'x back', 'y', { axis: int(2) }),
      ],
      tensors: [randomTensor('scores', [5, 7]), index('five', [5], [])],
    }),
  },
  GatherElements: {
    since: 16,
    make: () => ({
      x: [3, 2],
      nodes: [
        op('Transpose', 'x', 't', { perm: ints(1, 0, 2) }),
        op('Reshape', 't rows', 'r'),
        op('GatherElements', 'r i', 'y', { axis: int(0) }),
        op('Transpose', 'y', 'z', { perm: ints(1, 0) }),
      ],
      tensors: [shapeTensor('rows', 6, -1), index('i', [0, 3, 3, -1], [2, 2])],
    }),
  },
  'ScatterElements that sets': { since: 11, make: () => scatterElements({}, [0, -1]) },
  'ScatterElements that adds, twice to one place': {
    since: 16,
    make: () => scatterElements({ reduction: string('add') }, [1, 1]),
  },
  'ScatterND that sets': { since: 11, make: () => scatterND({}, [2, -4]) },
  'ScatterND that adds, twice to one place': {
    since: 16,
    make: () => scatterND({ reduction: string('add') }, [3, -1]),
  },
  GatherND: {
    since: 16,
    make: () => ({
      x: [3, 2],
      nodes: [
        op('Transpose', 'x', 't', { perm: ints(1, 2, 0) }),
        op('GatherND', 't i', 'g'),
        op('Transpose', 'g', 'y', { perm: ints(1, 0) }),
      ],
      tensors: [index('i', [0, 1, 2, 0, 0, 1, -1, -1], [4, 2])],
    }),
  },
}

const CASES = Object.entries({ ...SLICES, ...SPLITS, ...GATHERS, ...OTHERS })

describe.each(OPSETS)('opset %i', (opset) => {
  it.each(CASES.filter(([, { since = 7 }]) => opset >= since))('%s', async (_name, { make }) => {
    expect(await gradientError({ opset, step: 1, ...make(opset) })).toBeLessThan(ERROR)
  })
})

it.each(['mul', 'max'])('ScatterND that takes the %s is refused', async (reduction) => {
  const refusal = gradientModel({ opset: 18, ...scatterND({ reduction: string(reduction) }, [0, 1]) })
  await expect(refusal).rejects.toThrow(`its reduction "${reduction}" has no rule`)
})

describe('what mixes images or is not known is refused', () => {
  it.each([
    ['Slice of the batch', [op('Slice', 'x s e zero', 'y')], /mixes the images/],
    ['Gather along the batch', [op('Gather', 'x zero', 'y')], /mixes the images/],
    [
      'Slice by numbers that are computed',
      [op('ArgMax', 'm', 'best', { axis: int(0) }), op('Slice', 'x best e one', 'y')],
      /shape of "y" is not fixed/,
    ],
  ] as const)('%s', async (_name, nodes, message) => {
    const tensors = [
      shapeTensor('s', 0),
      shapeTensor('e', 1),
      shapeTensor('zero', 0),
      shapeTensor('one', 1),
      randomTensor('m', [3]),
    ]
    const refusal = gradientModel({ x: [3], nodes: [...nodes, op('Add', 'x y', 'z')], tensors })
    await expect(refusal).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    await expect(refusal).rejects.toThrow(message)
  })
})
