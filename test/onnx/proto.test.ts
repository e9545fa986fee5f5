import { mkdir, mkdtemp, realpath, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadClassifier } from '../../src/onnx/classifier.ts'
import { makeNode } from '../../src/onnx/messages.ts'
import { externalFiles, readModel } from '../../src/onnx/proto.ts'
import { buildCamModel } from './cam-model.ts'
import { randomImages, runCam } from './heads.ts'
import { buildModel, int, ints, type ModelSpec, op, randomTensor } from './models.ts'
import { probe } from './ort.ts'

const SPEC: ModelSpec = {
  nodes: [
    op('Conv', 'x w', 'c', { pads: ints(1, 1, 1, 1) }),
    op('GlobalAveragePool', 'c', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f fc', 'z', { transB: int(1) }),
  ],
  tensors: [randomTensor('w', [24, 3, 3, 3]), randomTensor('fc', [20, 24])],
}

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sess-proto-')))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function save(name: string, spec: ModelSpec): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, toBinary(ModelProtoSchema, buildModel(spec)))
  return path
}

/** `tensor` with its data moved to a file beside the model, or to wherever `location` says. */
function external(tensor: TensorProto, location: string, length = tensor.rawData.length): TensorProto {
  const entries = { location, offset: '0', length: String(length) }
  tensor.externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  )
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL
  tensor.rawData = new Uint8Array(0)
  return tensor
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

async function camOf(source: Parameters<typeof loadClassifier>[0]) {
  const model = buildCamModel(await loadClassifier(source, {}, probe), { targets: 1 })
  const { logits, weights } = await runCam(model, randomImages([2, 3, 16, 16]), [3, 4])
  return { logits, weights }
}

describe('a model from a file', () => {
  it('refers to its own large weights and gives what the bytes give', async () => {
    const path = await save('model.onnx', SPEC)
    const { proto, externalFolder } = await readModel({ path })
    expect(externalFolder).toBe(folder)
    expect(proto.graph?.initializer.map(({ rawData }) => rawData.length)).toEqual([0, 0])
    const bytes = toBinary(ModelProtoSchema, buildModel(SPEC))
    expect(await camOf({ path })).toEqual(await camOf({ bytes }))
  })

  it('is found through a link, as caches of downloads keep it', async () => {
    await mkdir(join(folder, 'blobs'))
    await mkdir(join(folder, 'snapshot'))
    await save('blobs/abc', SPEC)
    await symlink('../blobs/abc', join(folder, 'snapshot/model.onnx'))
    const path = join(folder, 'snapshot/model.onnx')
    expect((await readModel({ path })).externalFolder).toBe(join(folder, 'blobs'))
    expect((await camOf({ path })).logits.length).toBe(40)
  })

  it('keeps the places of weights that are outside it already', async () => {
    const [w, fc] = [randomTensor('w', [24, 3, 3, 3]), randomTensor('fc', [20, 24])]
    await writeFile(join(folder, 'model.onnx_data'), fc.rawData)
    const tensors = [w, external(fc, 'model.onnx_data')]
    const path = await save('model.onnx', { ...SPEC, tensors })
    expect(await camOf({ path })).toEqual(await camOf({ bytes: toBinary(ModelProtoSchema, buildModel(SPEC)) }))
  })

  it('tells the other files that it names, each once and as far as it reads', async () => {
    const tensors = ['a', 'b', 'c', 'd'].map((name) => randomTensor(name, [20, 24]))
    const [a, b, c, d] = tensors
    if (!a || !b || !c || !d) throw new Error('four tensors')
    external(a, 'model.onnx_data', 8)
    external(b, 'model.onnx_data', 4000)
    external(c, 'more/part_1')
    for (const entry of b.externalData) if (entry.key === 'offset') entry.value = '96'
    // Not there, and not looked for
    expect(await externalFiles(await save('model.onnx', { ...SPEC, tensors }))).toEqual([
      { location: 'model.onnx_data', bytes: 4096 },
      { location: 'more/part_1', bytes: 20 * 24 * 4 },
    ])
    expect(await externalFiles(await save('model.onnx', SPEC))).toEqual([])
  })

  it.each(['/etc/passwd', 'a/../../secret', '..\\secret', 'a\0b', ''])('tells no file at %j', async (location) => {
    const tensors = [external(randomTensor('fc', [20, 24]), location)]
    const failure = externalFiles(await save('model.onnx', { ...SPEC, tensors }))
    await expect(failure).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    await expect(failure).rejects.toThrow(/outside its own folder/)
  })

  it('whose Constant nodes hold weights refers to them too', async () => {
    const tensor = randomTensor('fc', [20, 24])
    const constant = makeNode('Constant', [], ['fc'], { value: { tensor } })
    const path = await save('model.onnx', {
      ...SPEC,
      nodes: [constant, ...SPEC.nodes],
      tensors: [randomTensor('w', [24, 3, 3, 3])],
    })
    expect((await readModel({ path })).proto.graph?.initializer.every(({ rawData }) => rawData.length === 0)).toBe(true)
    expect(await camOf({ path })).toEqual(await camOf({ bytes: toBinary(ModelProtoSchema, buildModel(SPEC)) }))
  })

  it.each([
    { location: '/etc/passwd', says: /outside its own folder/ },
    { location: '../secret', says: /outside its own folder/ },
    { location: 'a/../../secret', says: /outside its own folder/ },
    { location: 'C:\\secret', says: /outside its own folder/ },
    { location: '', says: /outside its own folder/ },
    { location: 'link', says: /outside its own folder/ },
    { location: 'missing', says: /missing/ },
    { location: 'short', says: /more of "short" than it holds/ },
  ])('whose weights lie at "$location" is refused', async ({ location, says }) => {
    await writeFile(join(folder, '../sess-proto-secret'), 'secret')
    await symlink('../sess-proto-secret', join(folder, 'link'))
    await writeFile(join(folder, 'short'), 'short')
    const tensors = [randomTensor('w', [24, 3, 3, 3]), external(randomTensor('fc', [20, 24]), location)]
    const reading = readModel({ path: await save('model.onnx', { ...SPEC, tensors }) })
    await expect(reading).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
    await expect(reading).rejects.toThrow(says)
    await rm(join(folder, '../sess-proto-secret'))
  })

  it('is read without its weights: a gigabyte of them costs no memory', async () => {
    const head = toBinary(ModelProtoSchema, buildModel({ ...SPEC, tensors: [randomTensor('w', [24, 3, 3, 3])] }))
    const length = 2 ** 30
    // the tensor's fields by hand: its data is a hole in the file
    const dims = [BigInt(length / 4 / 64), 64n]
    const fields = toBinary(TensorProtoSchema, create(TensorProtoSchema, { name: 'fc', dims, dataType: 1 }))
    const data = [0x4a, ...varint(length)]
    const tensor = [0x2a, ...varint(fields.length + data.length + length), ...fields, ...data]
    const path = join(folder, 'large.onnx')
    await writeFile(path, Buffer.concat([head, Buffer.from([0x3a, ...varint(tensor.length + length), ...tensor])]))
    const offset = (await stat(path)).size
    await truncate(path, offset + length)
    const before = process.memoryUsage().arrayBuffers
    const { proto } = await readModel({ path })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26)
    const entries = proto.graph?.initializer.at(-1)?.externalData.map(({ key, value }) => `${key} ${value}`)
    expect(entries).toEqual(['location large.onnx', `offset ${offset}`, `length ${length}`])
  })

  it.each([`offset ${2 ** 40}`, 'offset -8', 'offset x'])('that names itself with %s is refused', async (entry) => {
    const fc = external(randomTensor('fc', [20, 24]), '\0')
    for (const pair of fc.externalData) if (pair.key === 'offset') pair.value = entry.split(' ')[1] ?? ''
    const path = await save('model.onnx', { ...SPEC, tensors: [randomTensor('w', [24, 3, 3, 3]), fc] })
    await expect(readModel({ path })).rejects.toThrow(/past its own end/)
  })

  it('of over 2 GiB is refused before it is read', async () => {
    const path = await save('huge.onnx', SPEC)
    await truncate(path, 2 ** 31 + 1)
    await expect(readModel({ path })).rejects.toThrow(/at most 2 GiB/)
  })

  it('that is a folder is refused', async () => {
    await expect(readModel({ path: folder })).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  })
})

describe('a model from bytes', () => {
  it('keeps its weights inline', async () => {
    const { proto, externalFolder } = await readModel({ bytes: toBinary(ModelProtoSchema, buildModel(SPEC)) })
    expect(externalFolder).toBeUndefined()
    expect(proto.graph?.initializer[0]?.rawData.length).toBe(24 * 27 * 4)
  })

  it('cannot name other files', async () => {
    const tensors = [randomTensor('w', [24, 3, 3, 3]), external(randomTensor('fc', [20, 24]), 'model.onnx_data')]
    const bytes = toBinary(ModelProtoSchema, buildModel({ ...SPEC, tensors }))
    await expect(readModel({ bytes })).rejects.toThrow(/give its path/)
  })
})
