import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { StringStringEntryProtoSchema, type TensorProto, TensorProto_DataLocation } from 'onnx-buf'
import sharp from 'sharp'
import type { Check, Verification } from '../../src/bundle/check.ts'
import { Explainer } from '../../src/explainer.ts'
import type { ExplainOptions, LoadOptions } from '../../src/options.ts'
import { int, type ModelSpec, modelBytes, op, randomTensor } from '../onnx/models.ts'

export const kernel = randomTensor('k', [6, 3, 3, 3])
export const dense = randomTensor('w', [5, 6])
export const spec: ModelSpec = {
  input: { dims: ['n', 3, 12, 16] },
  nodes: [
    op('Conv', 'x k', 'c'),
    op('Relu', 'c', 'a'),
    op('GlobalAveragePool', 'a', 'p'),
    op('Flatten', 'p', 'f'),
    op('Gemm', 'f w', 'z', { transB: int(1) }),
  ],
  tensors: [kernel, dense],
}
export const labels = ['ant', 'bee', 'cow', 'dog', 'eel']
export const manifest = {
  schema: 1,
  id: 'small',
  file: 'small.onnx',
  preprocess: { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.1] },
  labels,
}
export const photo = {
  data: Uint8Array.from({ length: 23 * 31 * 3 }, (_, i) => (i * 73 + ((i * i) % 251)) % 256),
  width: 31,
  height: 23,
  channels: 3,
} as const

/** The same tensor, with its data at the start of another file. */
export function external(tensor: TensorProto, location: string): TensorProto {
  const entries = { location, offset: '0', length: String(tensor.rawData.length) }
  return {
    ...tensor,
    rawData: new Uint8Array(),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  }
}

/** The same tensor, the sign of its first number turned. */
export function flipped(tensor: TensorProto): TensorProto {
  const rawData = Uint8Array.from(tensor.rawData)
  rawData[3] = (rawData[3] ?? 0) ^ 0x80
  return { ...tensor, rawData }
}

/** A folder with a photo, a model and its manifest. */
export class Case {
  readonly folder = mkdtempSync(join(tmpdir(), 'sess-bundle-'))

  static async make(): Promise<Case> {
    const made = new Case()
    await made.photo('photo.png', photo.data)
    made.write('small.onnx', modelBytes(spec))
    made.write('small.json', JSON.stringify(manifest))
    return made
  }

  at(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.at(name)), { recursive: true })
    writeFileSync(this.at(name), content)
    return this.at(name)
  }

  async photo(name: string, data: Uint8Array): Promise<void> {
    const { width, height, channels } = photo
    await sharp(data, { raw: { width, height, channels } }).png().toFile(this.at(name))
  }

  /** Path of a bundle that was written of the photo. */
  async bundle(options: ExplainOptions = {}, load: LoadOptions = {}, name = 'out.sess'): Promise<string> {
    const explainer = await Explainer.load(this.at('small.onnx'), load)
    try {
      const explanation = await explainer.explain(this.at('photo.png'), { scales: 3, target: 2, ...options })
      if (Array.isArray(explanation)) throw new Error('one target')
      await explanation.toBundle(this.at(name))
    } finally {
      await explainer.dispose()
    }
    return this.at(name)
  }

  /** What `bundle.json` holds. */
  read(name = 'out.sess') {
    return JSON.parse(readFileSync(this.at(`${name}/bundle.json`), 'utf8'))
  }

  /** Writes `bundle.json` as `edit` leaves it. */
  edit(edit: (content: ReturnType<Case['read']>) => void, name = 'out.sess'): void {
    const content = this.read(name)
    edit(content)
    this.write(`${name}/bundle.json`, JSON.stringify(content))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Names of the checks of one status, in their order. */
export function named({ checks }: Verification, status: Check['status']): readonly string[] {
  return checks.flatMap((check) => (check.status === status ? [check.name] : []))
}

/** Names of what changed or is missing. */
export function bad(found: Verification): readonly string[] {
  return found.checks.flatMap(({ name, status }) => (status === 'changed' || status === 'missing' ? [name] : []))
}

export function detail({ checks }: Verification, name: string): string {
  return checks.find((check) => check.name === name)?.detail ?? ''
}
