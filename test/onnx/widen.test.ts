import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { buildForwardModel } from '../../src/onnx/forward-model.ts'
import { buildGradientModel } from '../../src/onnx/gradient-model.ts'
import { makeValueInfo } from '../../src/onnx/messages.ts'
import { floatTensor, int64Tensor, tensorValues } from '../../src/onnx/tensors.ts'
import { classes, numbers, randomImages } from './heads.ts'
import { buildModel, int, op, size, uniform } from './models.ts'
import { probe, run } from './ort.ts'

const { BOOL, FLOAT, FLOAT16 } = TensorProto_DataType

/** Bits of halves that are exact: sign, 10 bits of fraction, exponents from -6 to 0. */
function halves(name: string, dims: readonly number[], seed: number): TensorProto {
  const next = uniform(seed)
  const bits = Uint16Array.from({ length: size(dims) }, () => {
    const [sign, exponent, fraction] = [next() < 0 ? 0x8000 : 0, 9 + Math.floor((next() + 1) * 3), next()]
    return sign | (exponent << 10) | Math.floor((fraction + 1) * 511)
  })
  return create(TensorProtoSchema, {
    name,
    dataType: FLOAT16,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(bits.buffer),
  })
}

/** What a Uint16 pattern means, by the definition of IEEE binary16. */
function halfValue(bits: number): number {
  const fraction = (bits & 0x3ff) / 1024
  const exponent = (bits >> 10) & 0x1f
  const magnitude = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15)
  return bits & 0x8000 ? -magnitude : magnitude
}

function asFloats(tensor: TensorProto): TensorProto {
  const bits = new Uint16Array(new Uint8Array(tensor.rawData).buffer)
  return floatTensor(tensor.name, Array.from(bits, halfValue), tensor.dims.map(Number))
}

const [small, large, dense] = [halves('k', [6, 3, 3, 3], 1), halves('m', [80, 6, 3, 3], 2), halves('w', [5, 80], 3)]
const body = [
  op('Conv', 'h k', 'c'),
  op('Relu', 'c', 'r'),
  op('Conv', 'r m', 't'),
  op('GlobalAveragePool', 't', 'p'),
  op('Flatten', 'p', 'f'),
  op('Gemm', 'f w', 'g', { transB: int(1) }),
  op('Add', 'g one', 'y'),
]
const one = create(TensorProtoSchema, { name: '', dataType: FLOAT16, dims: [1n], int32Data: [0x3c00] })

function model(nodes: readonly NodeProto[], tensors: readonly TensorProto[], type: number): Uint8Array {
  const proto: ModelProto = buildModel({ nodes, tensors, outputs: ['z'] })
  if (proto.graph) proto.graph.input = [makeValueInfo('x', type, ['n', 3, 9, 11])]
  if (proto.graph) proto.graph.output = [makeValueInfo('z', type)]
  return toBinary(ModelProtoSchema, proto)
}

const inHalf = [
  op('Cast', 'x', 'h', { to: int(FLOAT16) }),
  op('Constant', '-', 'one', { value: { tensor: one } }),
  ...body,
  op('Cast', 'y', 'z', { to: int(FLOAT) }),
].map((node) => (node.opType === 'Constant' ? { ...node, input: [] } : node))
const tensors = [small, large, dense]

async function logitsAndGradient(bytes: Uint8Array) {
  const classifier = await loadClassifier({ bytes }, {}, probe)
  const built = buildGradientModel(classifier, { seeds: ['class'], tensors: ['x'] })
  const images = randomImages([2, 3, 9, 11])
  const out = await run(built, { x: images, [built.seeds[0]?.classes ?? '']: classes(1, 4) })
  return { classifier, logits: numbers(out[built.logits]), gradient: numbers(out[built.gradients[0]?.[0] ?? '']) }
}

describe('a model in float16', () => {
  it.each([
    ['with float32 at both ends', FLOAT],
    ['through and through', FLOAT16],
  ])('%s is computed in float32, with the values of its weights', async (_, type) => {
    const half = await logitsAndGradient(model(inHalf, tensors, type))
    const plain = [op('Identity', 'x', 'h'), ...body, op('Identity', 'y', 'z')]
    const float = await logitsAndGradient(model(plain, [...tensors.map(asFloats), floatTensor('one', [1], [1])], FLOAT))
    expect([half.classifier.precision, float.classifier.precision]).toEqual(['float16', 'float32'])
    for (const key of ['logits', 'gradient'] as const) {
      const largest = Math.max(...float[key].map(Math.abs))
      expect(largest).toBeGreaterThan(0)
      for (const [i, value] of half[key].entries())
        expect(Math.abs(value - (float[key][i] ?? 0)) / largest).toBeLessThan(1e-5)
    }
  })

  it('keeps the names that its weights would be given', async () => {
    const named = inHalf.map((node) =>
      node.opType === 'Relu'
        ? op('Relu', 'c', 'm_float16')
        : { ...node, input: node.input.map((input) => (input === 'r' ? 'm_float16' : input)) },
    )
    const usual = await logitsAndGradient(model(inHalf, tensors, FLOAT))
    const { logits, gradient } = await logitsAndGradient(model(named, tensors, FLOAT))
    expect({ logits, gradient }).toEqual({ logits: usual.logits, gradient: usual.gradient })
  })

  it('may hold float16 in branches, constants of any size among it', async () => {
    const [inside, table] = [halves('', [80], 4), halves('', [73, 80], 5)]
    const branch = (nodes: readonly NodeProto[]) =>
      create(GraphProtoSchema, {
        name: 'branch',
        node: [
          op('Constant', '', 'bias', { value: { tensor: inside } }),
          op('Constant', '', 'table', { value: { tensor: table } }),
          ...nodes,
        ].map((node) => (node.opType === 'Constant' ? { ...node, input: [] } : node)),
        output: [makeValueInfo('chosen', FLOAT16)],
      })
    const choose = create(NodeProtoSchema, {
      opType: 'If',
      name: 'choice',
      input: ['yes'],
      output: ['b'],
      attribute: [
        ['then_branch', [op('ReduceSum', 'table zero', 'row', { keepdims: int(0) }), op('Add', 'row bias', 'chosen')]],
        ['else_branch', [op('Cast', 'bias', 'chosen', { to: int(FLOAT16) })]],
      ].map(([name, nodes]) =>
        create(AttributeProtoSchema, {
          name: String(name),
          type: AttributeProto_AttributeType.GRAPH,
          g: branch(nodes as readonly NodeProto[]),
        }),
      ),
    })
    const nodes = inHalf.flatMap((node) =>
      node.opType === 'Flatten' ? [node, choose, op('Add', 'f b', 'moved')] : [node],
    )
    const moved = nodes.map((node) => (node.opType === 'Gemm' ? op('Gemm', 'moved w', 'g', { transB: int(1) }) : node))
    const yes = create(TensorProtoSchema, { name: 'yes', dataType: BOOL, dims: [], int32Data: [1] })
    const withChoice = [...tensors, yes, int64Tensor('zero', [0], [1])]
    const classifier = await loadClassifier({ bytes: model(moved, withChoice, FLOAT16) }, {}, probe)
    const forward = buildForwardModel(classifier)
    const out = await run(forward, { x: randomImages([2, 3, 9, 11]) })
    const usual = await logitsAndGradient(model(inHalf, tensors, FLOAT16))
    const [rows, offset, weights] = [table, inside, dense].map((t) => tensorValues(t) ?? [])
    const shift = Array.from({ length: 80 }, (_, i) => {
      let total = offset?.[i] ?? 0
      for (let row = 0; row < 73; row++) total += rows?.[row * 80 + i] ?? 0
      return total
    })
    for (const [i, logit] of numbers(out[forward.logits]).entries()) {
      const added = shift.reduce((sum, value, c) => sum + value * (weights?.[(i % 5) * 80 + c] ?? 0), 0)
      expect(logit).toBeCloseTo((usual.logits[i] ?? 0) + added, 3)
    }
  })

  it('may hold float16 in functions of its own', async () => {
    const constant = {
      ...op('Constant', '-', 'two', { value: { tensor: { ...one, int32Data: [0x4000] } } }),
      input: [],
    }
    const twice = create(FunctionProtoSchema, {
      name: 'Twice',
      domain: 'own',
      input: ['a'],
      output: ['b'],
      opsetImport: [{ domain: '', version: 17n }],
      node: [constant, op('Cast', 'a', 'half', { to: int(FLOAT16) }), op('Mul', 'half two', 'b')],
    })
    const nodes = inHalf.flatMap((node) =>
      node.output[0] === 'z'
        ? [{ ...op('Twice', 'y', 'd'), domain: 'own' }, op('Cast', 'd', 'z', { to: int(FLOAT) })]
        : [node],
    )
    const proto = fromBinary(ModelProtoSchema, model(nodes, tensors, FLOAT))
    proto.functions = [twice]
    proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n }))
    const classifier = await loadClassifier({ bytes: toBinary(ModelProtoSchema, proto) }, {}, probe)
    const forward = buildForwardModel(classifier)
    const out = await run(forward, { x: randomImages([2, 3, 9, 11]) })
    const { logits } = await logitsAndGradient(model(inHalf, tensors, FLOAT))
    for (const [i, logit] of numbers(out[forward.logits]).entries()) expect(logit).toBeCloseTo(2 * (logits[i] ?? 0), 4)
  })

  it('has every number of the format', () => {
    const every = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits)
    const tensor = create(TensorProtoSchema, {
      dataType: FLOAT16,
      dims: [65536n],
      rawData: new Uint8Array(every.buffer),
    })
    const values = tensorValues(tensor) ?? []
    for (const [bits, value] of values.entries()) {
      if ((bits & 0x7c00) !== 0x7c00) expect(value).toBe(halfValue(bits))
      else expect(Number.isFinite(value)).toBe(false)
    }
    expect([values[0x7c00], values[0xfc00], values[0x7e00]]).toEqual([Infinity, -Infinity, Number.NaN])
  })
})
