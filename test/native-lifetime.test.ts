import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { Device, Session, Stream, smooth, Tensor } from '../src/native.ts'
import { modelBytes, op } from './onnx/models.ts'

const device = new Device({ type: 'cpu', threads: 2 })
afterAll(() => device.dispose())

const plane = () => new Tensor(device, 'float32', [64, 64])
const code = (expected: string) => expect.objectContaining({ name: 'SessError', code: expected })
/** Calls without the types that would refuse it. */
const untyped = (call: (...args: never[]) => unknown, ...args: unknown[]): unknown =>
  Reflect.apply(call, undefined, args)

describe('options whose getters dispose what the call uses', () => {
  it('run on what was there at the call', async () => {
    const stream = new Stream(device)
    const [from, to] = [plane(), plane()]
    const size = 3
    const options = {
      size,
      get sigma() {
        stream.dispose()
        from.dispose()
        return 1
      },
    }
    await expect(smooth(stream, from, options, to)).resolves.toBeGreaterThanOrEqual(0)
    expect(() => smooth(stream, from, { size, sigma: 1 }, to)).toThrow(code('DISPOSED'))
  })

  it('cannot take a shape away from under its array', () => {
    const data = new Float32Array(4)
    const shape = [2, 2]
    Object.defineProperty(shape, 0, {
      get: () => {
        structuredClone(data.buffer, { transfer: [data.buffer] })
        return 2
      },
    })
    expect(() => Tensor.wrap(device, data, shape)).toThrow(code('OPTION_INVALID'))
  })
})

describe('memory that goes elsewhere', () => {
  it('is noticed at the next call', () => {
    const stream = new Stream(device)
    const data = new Float32Array(64 * 64)
    const wrapped = Tensor.wrap(device, data, [64, 64])
    structuredClone(data.buffer, { transfer: [data.buffer] })
    expect(() => smooth(stream, wrapped, { size: 3, sigma: 1 }, plane())).toThrow(code('DISPOSED'))
    expect(() => wrapped.read()).toThrow(code('DISPOSED'))
    expect(() => wrapped.write(new Float32Array(1))).toThrow(code('DISPOSED'))
    stream.dispose()
  })

  it('is not accepted when it may shrink, or is shared with other threads', () => {
    const resizable: ArrayBuffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }])
    expect(() => Tensor.wrap(device, new Float32Array(resizable, 0, 4), [4])).toThrow(code('OPTION_INVALID'))
    const shared = new Float32Array(new SharedArrayBuffer(16))
    expect(() => untyped(Tensor.wrap, device, shared, [4])).toThrow(code('OPTION_INVALID'))
  })
})

describe('objects that pretend', () => {
  it('are not taken for what their prototype says', () => {
    const stream = new Stream(device)
    const pretender = plane()
    Object.setPrototypeOf(pretender, Stream.prototype)
    expect(() => untyped(smooth, pretender, plane(), { size: 3, sigma: 1 }, plane())).toThrow(code('OPTION_INVALID'))
    const empty: unknown = Object.create(Tensor.prototype)
    expect(() => untyped(smooth, stream, empty, { size: 3, sigma: 1 }, plane())).toThrow(code('OPTION_INVALID'))
    stream.dispose()
  })
})

it('a kernel too narrow for its own square smooths nothing', async () => {
  const stream = new Stream(device)
  const out = new Float32Array(9)
  const map = Tensor.wrap(
    device,
    Float32Array.from({ length: 9 }, (_, i) => i / 9),
    [3, 3],
  )
  await smooth(stream, map, { size: 3, sigma: 1e-200 }, Tensor.wrap(device, out, [3, 3]))
  expect([...out]).toEqual([...map.read()])
  stream.dispose()
})

it('a session refuses tensors and streams of another device', async () => {
  const model = modelBytes({ nodes: [op('Relu', 'x', 'y')], input: { dims: ['n', 2] } })
  const session = await Session.open(device, { model, threads: 1, optimization: 'all' })
  const other = new Device({ type: 'cpu', threads: 1 })
  const [here, there] = [device, other].map((d) => ({
    stream: new Stream(d),
    tensor: new Tensor(d, 'float32', [1, 2]),
  }))
  if (here === undefined || there === undefined) throw new Error('two devices')
  const bindings = (x: typeof here, y: typeof here) => ({ inputs: { x: x.tensor }, outputs: { y: y.tensor }, rows: 1 })
  expect(() => session.run(there.stream, bindings(there, there))).toThrow(code('OPTION_INVALID'))
  expect(() => session.run(here.stream, bindings(here, there))).toThrow(code('OPTION_INVALID'))
  await expect(session.run(here.stream, bindings(here, here))).resolves.toBeGreaterThanOrEqual(0)
})

describe('a worker that is terminated while ops run and calls are made', () => {
  it('neither takes the process with it nor hangs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-worker-'))
    const script = join(folder, 'worker.mjs')
    const native = pathToFileURL(join(import.meta.dirname, '../build/Release/sess.node')).href
    writeFileSync(
      script,
      `import { createRequire } from 'node:module'
       import { fileURLToPath } from 'node:url'
       import { parentPort } from 'node:worker_threads'
       const { Device, Stream, Tensor, smooth } = createRequire(import.meta.url)(fileURLToPath('${native}'))
       const device = new Device({ type: 'cpu', threads: 2 })
       const [from, to] = [0, 1].map(() => new Tensor(device, 'float32', [300, 300]))
       from.write(new Float32Array(300 * 300))
       for (let s = 0; s < 6; s++) {
         const stream = new Stream(device)
         const again = () => smooth(stream, from, { size: 11, sigma: 5 }, to).then(again).catch(() => {})
         for (let i = 0; i < 40; i++) again()
       }
       parentPort.postMessage('running')`,
    )
    try {
      for (let i = 0; i < 40; i++) {
        const worker = new Worker(script)
        await new Promise((resolve) => worker.once('message', resolve))
        await new Promise((resolve) => setTimeout(resolve, i % 12))
        expect(await worker.terminate()).toBeDefined()
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
