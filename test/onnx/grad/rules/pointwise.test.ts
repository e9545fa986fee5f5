import { TensorProto_DataType } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { type FloatType, floatTensor } from '../../../../src/onnx/tensors.ts'
import { float, ints, op, positiveTensor, randomTensor, shapeTensor } from '../../models.ts'
import { run } from '../../ort.ts'
import { type DifferenceCase, gradientError, gradientModel } from '../differences.ts'

const OPSETS = [7, 9, 11, 13, 17, 21, 26]
const DOUBLE: FloatType = TensorProto_DataType.DOUBLE
const smooth = { type: DOUBLE, step: 1e-4, values: (_: number, next: () => number) => next() * 2 } as const

interface Named extends DifferenceCase {
  readonly name: string
  readonly since?: number
}

const random = (name: string, dims: readonly number[]) => randomTensor(name, dims, 1, DOUBLE)
const positive = (name: string, dims: readonly number[]) => positiveTensor(name, dims, 1, DOUBLE)

const CASES: readonly Named[] = [
  { name: 'Add, equal shapes', x: [3, 4], nodes: [op('Add', 'x x', 'y')], step: 1 },
  { name: 'Add of a bias', x: [3, 4, 2], nodes: [op('Add', 'x b', 'y')], tensors: [random('b', [3, 1, 1])], ...smooth },
  {
    name: 'Add that stretches x',
    x: [1, 4],
    nodes: [op('Add', 'x b', 'y')],
    tensors: [random('b', [5, 4])],
    ...smooth,
  },
  {
    name: 'Add that stretches x by new axes',
    x: [4],
    nodes: [op('Unsqueeze7', 'x', 'u'), op('Add', 'u b', 'y')],
    tensors: [random('b', [5, 1])],
    ...smooth,
  },
  { name: 'Sum of three', x: [3, 4], nodes: [op('Neg', 'x', 'a'), op('Sum', 'x a x', 'y')], since: 8, ...smooth },
  { name: 'Sub from a constant', x: [3, 4], nodes: [op('Sub', 'b x', 'y')], tensors: [random('b', [4])], ...smooth },
  { name: 'Sub of a constant', x: [3, 4], nodes: [op('Sub', 'x b', 'y')], tensors: [random('b', [3, 1])], ...smooth },
  {
    name: 'Mul by a number',
    x: [3, 4],
    nodes: [op('Mul', 'b x', 'y')],
    tensors: [floatTensor('b', [2.5], [], DOUBLE)],
    ...smooth,
  },
  { name: 'Mul by a vector', x: [3, 4], nodes: [op('Mul', 'x b', 'y')], tensors: [random('b', [3, 1])], ...smooth },
  { name: 'Mul with itself', x: [3, 4], nodes: [op('Mul', 'x x', 'y')], ...smooth },
  {
    name: 'Mul of a gate (squeeze and excite)',
    x: [3, 4, 5],
    nodes: [op('ReduceMean7', 'x', 'm', { axes: ints(2, 3) }), op('Sigmoid', 'm', 'g'), op('Mul', 'x g', 'y')],
    ...smooth,
  },
  {
    name: 'Div by a number',
    x: [3, 4],
    nodes: [op('Div', 'x b', 'y')],
    tensors: [floatTensor('b', [2.5], [1], DOUBLE)],
    ...smooth,
  },
  { name: 'Div by a vector', x: [3, 4], nodes: [op('Div', 'x b', 'y')], tensors: [positive('b', [4])], ...smooth },
  { name: 'Div by what depends on x', x: [3, 4], nodes: [op('Sigmoid', 'x', 's'), op('Div', 'x s', 'y')], ...smooth },
  { name: 'Sigmoid', x: [3, 4], nodes: [op('Sigmoid', 'x', 'y')], ...smooth },
  { name: 'Tanh', x: [3, 4], nodes: [op('Tanh', 'x', 'y')], ...smooth },
  { name: 'Swish', x: [3, 4], nodes: [op('Sigmoid', 'x', 's'), op('Mul', 's x', 'y')], ...smooth },
  { name: 'Relu', x: [3, 4, 5], nodes: [op('Relu', 'x', 'y')] },
  { name: 'HardSigmoid', x: [3, 4, 5], nodes: [op('HardSigmoid', 'x', 'y', { alpha: float(1 / 8) })], step: 2 ** -8 },
  { name: 'HardSwish', x: [3, 4, 5], nodes: [op('HardSwish', 'x', 'y')], since: 14, step: 2 ** -6 },
  { name: 'Identity', x: [3, 4], nodes: [op('Identity', 'x', 'y')], step: 1 },
  { name: 'Dropout', x: [3, 4], nodes: [op('Dropout', 'x', 'y')], step: 1 },
  {
    name: 'a tensor read three times',
    x: [3, 4],
    nodes: [op('Sigmoid', 'x', 'a'), op('Mul', 'a x', 'b'), op('Sub', 'b a', 'c'), op('Div', 'c a', 'y')],
    ...smooth,
  },
]

/** Nodes whose axes are attributes at first and inputs later, in the form of the operator set. */
function formed(test: Named, opset: number): DifferenceCase {
  const axesAreInputs: Readonly<Record<string, number>> = { Unsqueeze: 13, ReduceMean: 18 }
  const tensors = [...(test.tensors ?? [])]
  const nodes = test.nodes.map((node) => {
    if (!node.opType.endsWith('7')) return node
    const opType = node.opType.slice(0, -1)
    const axes = node.attribute[0]?.ints.map(Number) ?? [1]
    const [input = '', output = ''] = [node.input[0], node.output[0]]
    if (opset < (axesAreInputs[opType] ?? 0)) return op(opType, input, output, { axes: ints(...axes) })
    tensors.push(shapeTensor(`${output}_axes`, ...axes))
    return op(opType, `${input} ${output}_axes`, output)
  })
  return { ...test, opset, nodes, tensors }
}

describe.each(OPSETS)('opset %i', (opset) => {
  it.each(CASES.filter(({ since = 7 }) => opset >= since))('$name', async (test) => {
    expect(await gradientError(formed(test, opset))).toBeLessThan(test.type === DOUBLE ? 1e-6 : 1e-4)
  })

  it('Clip passes strictly between its bounds', async () => {
    const bounds = [floatTensor('min', [0], []), floatTensor('max', [6], [])]
    const node = opset < 11 ? op('Clip', 'x', 'y', { min: float(0), max: float(6) }) : op('Clip', 'x min max', 'y')
    const model = await gradientModel({ opset, x: [5], nodes: [node], tensors: opset < 11 ? [] : bounds })
    const out = await run(model, {
      x: { data: Float32Array.of(-1, 0, 3, 6, 7), dims: [1, 5] },
      seed: { data: Float32Array.of(1, 2, 3, 4, 5), dims: [1, 5] },
    })
    expect(Array.from(out[model.dx]?.data ?? [], Number)).toEqual([0, 0, 3, 0, 0])
  })

  it('Clip with one bound', async () => {
    const node = opset < 11 ? op('Clip', 'x', 'y', { max: float(1) }) : op('Clip', 'x - max', 'y')
    const tensors = opset < 11 ? [] : [floatTensor('max', [1], [])]
    expect(await gradientError({ opset, x: [3, 4, 5], nodes: [node], tensors })).toBeLessThan(1e-4)
  })

  it('Relu has derivative 0 at 0', async () => {
    const model = await gradientModel({ opset, x: [3], nodes: [op('Relu', 'x', 'y')] })
    const out = await run(model, {
      x: { data: Float32Array.of(-1, 0, 1), dims: [1, 3] },
      seed: { data: Float32Array.of(1, 1, 1), dims: [1, 3] },
    })
    expect(Array.from(out[model.dx]?.data ?? [], Number)).toEqual([0, 0, 1])
  })
})

it('an operator without a rule is refused by node, operator and remedy', async () => {
  const refusal = gradientModel({ x: [3], nodes: [op('Hardmax', 'x', 'peak')], opset: 13 })
  await expect(refusal).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  await expect(refusal).rejects.toThrow(/node "peak" \(Hardmax\).*no gradient rule.*--layer/)
})

describe('a Dropout in training mode', () => {
  const on = floatTensor('on', [1], [])
  on.dataType = TensorProto_DataType.BOOL
  on.rawData = Uint8Array.of(1)

  it.each(['x - on', 'x half on'])('is refused with inputs %s', async (inputs) => {
    const test = {
      x: [3],
      nodes: [op('Dropout', inputs, 'y')],
      tensors: [on, floatTensor('half', [0.5], [])],
      opset: 13,
    }
    await expect(gradientModel(test)).rejects.toThrow(/training mode/)
  })

  it('passes where it drops nothing', async () => {
    const nodes = [op('Dropout', 'x none on', 'y')]
    const test = { x: [3, 4], nodes, tensors: [on, floatTensor('none', [0], [])], opset: 13, step: 1 }
    expect(await gradientError(test)).toBeLessThan(1e-4)
  })
})
