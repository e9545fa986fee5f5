import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataType,
} from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { type ClassifierGraph, loadClassifier, resolveLayer } from '../../src/onnx/classifier.ts'
import type { ModelOverrides } from '../../src/onnx/discover.ts'
import { makeValueInfo } from '../../src/onnx/messages.ts'
import { buildCamModel } from './cam-model.ts'
import { randomImages, runCam } from './heads.ts'
import { buildModel, int, ints, type ModelSpec, modelBytes, op, randomTensor, shapeTensor } from './models.ts'
import { probe } from './ort.ts'

const CONV = op('Conv', 'x w', 'c', { pads: ints(1, 1, 1, 1) })
const RELU = op('Relu', 'c', 'r')
const HEAD = [op('GlobalAveragePool', 'r', 'p'), op('Flatten', 'p', 'f'), op('Gemm', 'f fc', 'z', { transB: int(1) })]
const TENSORS = [randomTensor('w', [6, 3, 3, 3]), randomTensor('fc', [5, 6])]
const SPEC: ModelSpec = { opset: 13, input: { dims: ['n', 3, 8, 8] }, nodes: [CONV, RELU, ...HEAD], tensors: TENSORS }

function load(spec: Partial<ModelSpec>, overrides: ModelOverrides = {}): Promise<ClassifierGraph> {
  return loadClassifier({ bytes: modelBytes({ ...SPEC, ...spec }) }, overrides, probe)
}

describe('the image input', () => {
  it('channels last is seen by its shape', async () => {
    const toFirst = op('Transpose', 'x', 't', { perm: ints(0, 3, 1, 2) })
    const nodes = [toFirst, op('Conv', 't w', 'c'), RELU, ...HEAD]
    const classifier = await load({ input: { dims: ['n', 10, 12, 3] }, nodes })
    expect(classifier).toMatchObject({ layout: 'NHWC', height: 10, width: 12, batch: 'dynamic' })
    expect(classifier.layer).toEqual({ name: 'r', channels: 6, height: 8, width: 10, layout: 'NCHW', skip: 0 })
    const { logits, weights } = await runCam(
      buildCamModel(classifier, { targets: 1 }),
      randomImages([2, 10, 12, 3]),
      [1, 2],
    )
    expect([logits.length, weights[0]?.length]).toEqual([10, 12])
  })

  it('of open size takes what the manifest states, and asks for it otherwise', async () => {
    const input = { dims: ['n', 3, 'h', 'w'] }
    expect(await load({ input }, { height: 9, width: 11 })).toMatchObject({ height: 9, width: 11 })
    await expect(load({ input })).rejects.toThrow(/input\.height and input\.width/)
  })

  it.each<[string, Partial<ModelSpec>, ModelOverrides, RegExp]>([
    ['one channel', { input: { dims: ['n', 1, 8, 8] } }, {}, /takes 1 channels/],
    ['no image', { input: { dims: ['n', 12] }, nodes: [op('Relu', 'x', 'z')] }, {}, /no image input/],
    ['a fixed batch of four', { input: { dims: [4, 3, 8, 8] } }, {}, /exactly 4 images/],
    ['a size against the manifest', {}, { height: 9, width: 8 }, /height of 8, but its manifest states 9/],
    ['an input that is not there', {}, { input: 'photo' }, /no input "photo"; its inputs are "x"/],
  ])('%s is refused', async (_name, spec, overrides, says) => {
    const loading = load(spec, overrides)
    await expect(loading).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    await expect(loading).rejects.toThrow(says)
  })

  it('beside another input is refused', async () => {
    const proto = buildModel(SPEC)
    proto.graph?.input.push(makeValueInfo('mask', TensorProto_DataType.FLOAT, ['n', 4]))
    const loading = loadClassifier({ bytes: toBinary(ModelProtoSchema, proto) }, {}, probe)
    await expect(loading).rejects.toThrow(/also asks for input "mask"/)
  })

  it('initializers that are listed as inputs too, as old exporters write them, are none', async () => {
    const proto = buildModel({
      ...SPEC,
      opset: 7,
      nodes: [CONV, RELU, HEAD[0], HEAD[1], op('Gemm', 'f fc b', 'z', { transB: int(1) })].filter(
        (n) => n !== undefined,
      ),
      tensors: [...TENSORS, randomTensor('b', [5])],
    })
    proto.irVersion = 3n
    proto.graph?.input.push(
      makeValueInfo('w', 1, [6, 3, 3, 3]),
      makeValueInfo('fc', 1, [5, 6]),
      makeValueInfo('b', 1, [5]),
    )
    const classifier = await loadClassifier({ bytes: toBinary(ModelProtoSchema, proto) }, {}, probe)
    expect(classifier).toMatchObject({ opset: 7, inputName: 'x', classes: 5 })
    const { weights } = await runCam(buildCamModel(classifier, { targets: 1 }), randomImages([1, 3, 8, 8]), [-1])
    expect(weights[0]?.length).toBe(6)
  })
})

describe('the logits', () => {
  it.each([
    { ends: [op('Softmax', 'z', 'out', { axis: int(1) })], activation: 'softmax' },
    { ends: [op('LogSoftmax', 'z', 'out')], activation: 'softmax' },
    { ends: [op('Sigmoid', 'z', 'out')], activation: 'sigmoid' },
    {
      ends: [op('Softmax', 'z', 's'), op('Identity', 's', 'i'), op('Reshape', 'i five', 'out')],
      activation: 'softmax',
    },
    { ends: [op('Identity', 'z', 'out')], activation: 'unknown', logits: 'out' },
    { ends: [op('Relu', 'z', 'out')], activation: 'unknown', logits: 'out' },
  ])('before $activation at the end', async ({ ends, activation, logits = 'z' }) => {
    const classifier = await load({
      nodes: [...SPEC.nodes, ...ends],
      tensors: [...TENSORS, shapeTensor('five', -1, 5)],
    })
    expect(classifier).toMatchObject({ logits, activation, classes: 5 })
    const bytes = buildCamModel(classifier, { targets: 1 }).encode()
    expect(Buffer.from(bytes).includes('Softmax')).toBe(false)
  })

  it('that a manifest names are taken, still before a Softmax', async () => {
    const nodes = [...SPEC.nodes, op('Softmax', 'z', 'probabilities'), op('Neg', 'z', 'out')]
    expect((await load({ nodes }, { logits: 'probabilities' })).logits).toBe('z')
    expect((await load({ nodes }, { logits: 'probabilities', activation: 'sigmoid' })).activation).toBe('sigmoid')
    await expect(load({ nodes }, { logits: 'scores' })).rejects.toThrow(/no tensor "scores"/)
  })

  it('are the first output that is a vector of classes', async () => {
    const classifier = await load({ outputs: ['r', 'z', 'f'] })
    expect(classifier.logits).toBe('z')
  })

  it('with pixels are refused', async () => {
    await expect(load({ nodes: [CONV, RELU] })).rejects.toThrow(/shape \[n, 6, 8, 8\], which is no vector of classes/)
  })
})

describe('the target layer', () => {
  it('is the last feature map on every path; candidates go backwards from it', async () => {
    const nodes = [
      CONV,
      RELU,
      op('Conv', 'r v', 'a', { pads: ints(1, 1, 1, 1) }),
      op('Add', 'a r', 's'),
      op('MaxPool', 's', 'm', { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
      op('GlobalAveragePool', 'm', 'p'),
      op('Flatten', 'p', 'f'),
      ...HEAD.slice(2),
    ]
    const classifier = await load({ nodes, tensors: [...TENSORS, randomTensor('v', [6, 6, 3, 3])] })
    expect(classifier.candidates.map(({ name }) => name)).toEqual(['m', 's', 'r', 'c'])
    expect(classifier.layer).toEqual({ name: 'm', channels: 6, height: 4, width: 4, layout: 'NCHW', skip: 0 })
    expect(resolveLayer(classifier, 'a').name).toBe('a')
  })

  it('is found by tensor and by node name', async () => {
    const named = op('Relu', 'c', 'r')
    named.name = 'the_relu'
    const classifier = await load({ nodes: [CONV, named, ...HEAD] }, { layer: 'the_relu' })
    expect(classifier.layer?.name).toBe('r')
    expect(resolveLayer(classifier, 'c').name).toBe('c')
  })

  it.each([
    ['nothing', /does not exist\. Candidates: "r", "c"/],
    ['f', /is no feature map .*Candidates: "r", "c"/],
    ['x', /does not exist/],
    ['side', /not on the way/],
  ])('"%s" is refused with the candidates', async (layer, says) => {
    const loading = load({ nodes: [...SPEC.nodes, op('Neg', 'r', 'side')], outputs: ['z', 'side'] }, { layer })
    await expect(loading).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' })
    await expect(loading).rejects.toThrow(says)
  })

  it('is missing where there is no feature map: the model still classifies, class activation maps are refused', async () => {
    const nodes = [op('Flatten', 'x', 'f'), op('Gemm', 'f fc', 'z', { transB: int(1) })]
    const classifier = await load({ nodes, tensors: [randomTensor('fc', [5, 192])] })
    expect(classifier.layer).toBeUndefined()
    expect(() => buildCamModel(classifier, { targets: 1 })).toThrow(/no feature map/)
  })
})

describe('what is refused', () => {
  it.each<[string, Partial<ModelSpec>, RegExp]>([
    [
      'an operator that ONNX lacks',
      { nodes: [CONV, op('Frobnicate', 'c', 'r'), ...HEAD] },
      /node "r" \(Frobnicate\), which is no operator/,
    ],
    ['opset 6', { opset: 6 }, /operator set 6/],
    ['opset 27', { opset: 27 }, /operator set 27/],
    [
      'BatchNormalization in training mode',
      {
        opset: 15,
        nodes: [CONV, op('BatchNormalization', 'c g g g g', 'r m v', { training_mode: int(1) }), ...HEAD],
        tensors: [...TENSORS, randomTensor('g', [6])],
      },
      /"r" \(BatchNormalization\) in training mode/,
    ],
    [
      'shapes that do not fit',
      { tensors: [randomTensor('w', [6, 3, 3, 3]), randomTensor('fc', [5, 7])] },
      /refused by ONNX Runtime/,
    ],
  ])('%s', async (_name, spec, says) => {
    const loading = load(spec)
    await expect(loading).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    await expect(loading).rejects.toThrow(says)
  })

  it.each<[string, Partial<ModelSpec>]>([
    ['an input that nothing produces', { nodes: [op('Conv', 'y w', 'c'), RELU, ...HEAD] }],
    ['an output that nothing produces', { outputs: ['scores'] }],
    ['a tensor that two nodes produce', { nodes: [CONV, RELU, op('Neg', 'c', 'r'), ...HEAD] }],
  ])('%s', async (_name, spec) => {
    await expect(load(spec)).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  })

  it('a subgraph between target layer and logits, by node and operator', async () => {
    const branch = (opType: string) =>
      create(AttributeProtoSchema, {
        name: opType === 'Relu' ? 'then_branch' : 'else_branch',
        type: AttributeProto_AttributeType.GRAPH,
        g: create(GraphProtoSchema, {
          name: opType,
          node: [op(opType, 'r', `${opType}_out`)],
          output: [makeValueInfo(`${opType}_out`, 1)],
        }),
      })
    const condition = op('If', 'flag', 'i')
    condition.attribute = [branch('Relu'), branch('Neg')]
    const flag = shapeTensor('flag', 1)
    flag.dataType = TensorProto_DataType.BOOL
    flag.rawData = Uint8Array.of(1)
    flag.dims = [1n]
    const nodes = [CONV, RELU, condition, op('GlobalAveragePool', 'i', 'p'), ...HEAD.slice(1)]
    const classifier = await load({ nodes, tensors: [...TENSORS, flag] })
    expect(() => buildCamModel(classifier, { targets: 1, layer: resolveLayer(classifier, 'r') })).toThrow(
      /node "i" \(If\)/,
    )
  })

  it('quantised operators behind the layer, by node and operator', async () => {
    const zero = shapeTensor('zero', 0)
    zero.dataType = TensorProto_DataType.UINT8
    zero.rawData = Uint8Array.of(0)
    zero.dims = []
    const step = randomTensor('step', [], 3)
    const nodes = [
      CONV,
      RELU,
      op('QuantizeLinear', 'r step zero', 'q'),
      op('DequantizeLinear', 'q step zero', 'd'),
      op('GlobalAveragePool', 'd', 'p'),
      ...HEAD.slice(1),
    ]
    const classifier = await load({ nodes, tensors: [...TENSORS, zero, step] })
    expect(classifier.layer?.name).toBe('d')
    const behind = resolveLayer(classifier, 'r')
    expect(() => buildCamModel(classifier, { targets: 1, layer: behind })).toThrow(/\(DequantizeLinear\).*quantised/)
  })
})

it('the probe’s failures that are not the model’s come through as they are', async () => {
  const missing = Object.assign(new Error('no library'), { code: 'NATIVE_MISSING' })
  const loading = loadClassifier({ bytes: modelBytes(SPEC) }, {}, () => Promise.reject(missing))
  await expect(loading).rejects.toBe(missing)
})
