import { describe, expect, it } from 'vitest'
import { deviceFinding } from '../src/cli/doctor.ts'
import { type CudaState, cudaFault, cudaState, missingOf } from '../src/cuda.ts'
import { describeCuda, devices, openDevice } from '../src/device.ts'
import { Device, missingLibraries, Stream, smooth, Tensor } from '../src/native.ts'

const gpu = { name: 'NVIDIA H100', architecture: '9.0', memoryBytes: 8e10, fault: '' }
const usable: CudaState = {
  driver: '13.0',
  runtime: '13.0',
  devices: [gpu],
  reason: '',
  provider: { path: '/ort/libonnxruntime_providers_cuda.so', isThere: true },
  missing: [],
}

describe('why CUDA is not used', () => {
  it('is undefined where everything is there', () => {
    expect(cudaFault(usable)).toBeUndefined()
    expect(describeCuda(usable)).toEqual({ name: 'cuda', available: true, driver: '13.0', devices: [gpu] })
  })

  it.each<[string, Partial<CudaState>, RegExp]>([
    ['no device', { reason: 'there is no NVIDIA driver (libcuda.so.1): install one' }, /no NVIDIA driver/],
    [
      'no provider',
      { provider: { path: '/x/p.so', isThere: false } },
      /\/x\/p\.so is missing.*npm rebuild onnxruntime-node/,
    ],
    ['no cuDNN', { missing: ['libcudnn.so.9'] }, /does not find libcudnn\.so\.9: install/],
  ])('is said: %s', (_, part, sentence) => {
    const state = { ...usable, ...part }
    expect(cudaFault(state)).toMatch(sentence)
    expect(describeCuda(state)).toMatchObject({ available: false, reason: expect.stringMatching(sentence) })
  })

  it('names the sets of libraries of which none is found', () => {
    const found = new Set(['b2'])
    const missing = (names: readonly string[]) => names.filter((name) => !found.has(name))
    expect(missingOf([['a1', 'a2'], ['b1', 'b2'], ['c']], missing)).toEqual(['a1 or a2', 'c'])
  })

  it('comes from the dynamic linker', () => {
    expect(missingLibraries(['libc.so.6', 'libno-such-library.so.1'])).toEqual(['libno-such-library.so.1'])
  })
})

describe('the doctor', () => {
  it('tells what a GPU is, and why one beside it is not used', () => {
    const old = { name: 'Tesla V100', architecture: '7.0', memoryBytes: 2 ** 34, fault: 'it has no kernels' }
    expect(deviceFinding(describeCuda({ ...usable, devices: [{ ...gpu, memoryBytes: 80 * 2 ** 30 }, old] }))).toEqual({
      topic: 'device cuda',
      state: 'ok',
      facts: {
        available: true,
        driver: 'CUDA 13.0',
        devices:
          'NVIDIA H100, compute capability 9.0, 80 GiB; ' +
          'Tesla V100, compute capability 7.0, 16 GiB (not used: it has no kernels)',
      },
    })
  })

  it('notes why there is none', () => {
    const finding = deviceFinding(describeCuda({ ...usable, reason: 'there is no NVIDIA driver' }))
    expect(finding).toEqual({
      topic: 'device cuda',
      state: 'note',
      facts: { available: false, reason: 'there is no NVIDIA driver' },
    })
  })
})

describe('devices', () => {
  it('lists the processor, and CUDA with its reason where it is not there', () => {
    const [cpu, cuda] = devices()
    expect(cpu).toMatchObject({ name: 'cpu', available: true })
    expect(cuda).toEqual(describeCuda(cudaState()))
  })

  it('opens the processor by name', () => {
    const { device, fallback } = openDevice('cpu', 2)
    expect([device.type, device.threads, fallback]).toEqual(['cpu', 2, undefined])
    device.dispose()
  })

  it('opens whatever there is for auto', () => {
    const { device } = openDevice('auto', 2)
    expect(device.type).toBe(cudaFault(cudaState()) === undefined ? 'cuda' : 'cpu')
    device.dispose()
  })

  it.runIf(cudaFault(cudaState()) !== undefined).each(['cuda', 'cuda:1'])('refuses %s with the reason', (name) => {
    const reason = cudaFault(cudaState())
    expect(() => openDevice(name, 1)).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }))
    expect(() => openDevice(name, 1)).toThrow(`${name} cannot be used: ${reason}`)
  })

  it.runIf(cudaState().reason !== '')('has no CUDA device natively either', () => {
    expect(() => new Device({ type: 'cuda', index: 0, threads: 1 })).toThrow(
      expect.objectContaining({ code: 'DEVICE_UNAVAILABLE', message: cudaState().reason }),
    )
  })

  it.runIf(cudaState().reason === '')('computes on a CUDA device what the processor does', async () => {
    const values = Float32Array.from({ length: 40 * 50 }, (_, i) => (i * 7919) % 97)
    const [onCuda, onCpu] = await Promise.all(
      [new Device({ type: 'cuda', index: 0, threads: 1 }), new Device({ type: 'cpu', threads: 1 })].map(
        async (device) => {
          const stream = new Stream(device)
          const from = new Tensor(device, 'float32', [40, 50])
          const to = new Tensor(device, 'float32', [40, 50])
          from.write(values)
          await smooth(stream, from, { size: 11, sigma: 5 }, to)
          return to.read()
        },
      ),
    )
    expect(onCuda).toEqual(onCpu)
  })
})
