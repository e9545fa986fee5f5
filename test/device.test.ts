import { describe, expect, it } from 'vitest'
import { deviceFinding } from '../src/cli/doctor.ts'
import { type CudaState, cudaFault, cudaState, missingOf } from '../src/cuda.ts'
import { describeCuda, devices, type OpenedDevice, onDevice, openDevice } from '../src/device.ts'
import { SessError } from '../src/error.ts'
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

  it.each<[string, readonly string[], readonly string[]]>([
    ['one version is there', ['cudart.13', 'cublas.13', 'dnn'], []],
    ['each library is there, but of no one version', ['cudart.12', 'cublas.13', 'dnn'], ['cublas.12']],
    ['one version lacks less', ['cublas.13', 'dnn'], ['cudart.13']],
    ['nothing is there', [], ['cudart.12', 'cublas.12', 'dnn']],
  ])('names the libraries of one CUDA version where %s', (_, found, expected) => {
    const missing = (names: readonly string[]) => names.filter((name) => !found.includes(name))
    const sets = ['12', '13'].map((major) => [`cudart.${major}`, `cublas.${major}`, 'dnn'])
    expect(missingOf(sets, missing)).toEqual(expected)
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

describe('a GPU that cannot be used after all', () => {
  /** A GPU whose memory is the processor's. */
  class Gpu extends Device {
    isDisposed = false
    override readonly type = 'cuda'
    override dispose() {
      this.isDisposed = true
      super.dispose()
    }
  }

  function opener() {
    const gpus: Gpu[] = []
    const open = (name: string, threads: number) => {
      if (name === 'cpu') return openDevice(name, threads)
      const gpu = new Gpu({ type: 'cpu', threads })
      gpus.push(gpu)
      return { device: gpu }
    }
    return { gpus, open }
  }

  const failing =
    (error: Error) =>
    async ({ device, fallback }: OpenedDevice) => {
      if (device.type === 'cuda') throw error
      const { type } = device
      device.dispose()
      return { type, fallback }
    }

  it.each(['DEVICE_UNAVAILABLE', 'OUT_OF_MEMORY'] as const)('leaves auto to the processor: %s', async (code) => {
    const { gpus, open } = opener()
    const error = new SessError(code, 'The provider\ncannot be loaded.')
    const used = await onDevice('auto', 1, failing(error), open)
    expect(used).toEqual({ type: 'cpu', fallback: 'The provider cannot be loaded' })
    expect(gpus.map((gpu) => gpu.isDisposed)).toEqual([true])
  })

  it('leaves auto to the processor where it cannot even be opened', async () => {
    const open = (name: string, threads: number) => {
      if (name === 'auto') throw new SessError('DEVICE_UNAVAILABLE', 'it is in use')
      return openDevice(name, threads)
    }
    expect(await onDevice('auto', 1, failing(new Error('unused')), open)).toEqual({
      type: 'cpu',
      fallback: 'it is in use',
    })
  })

  it.each<[string, string, Error]>([
    ['the device was named', 'cuda', new SessError('DEVICE_UNAVAILABLE', 'it is in use')],
    ['the model is at fault', 'auto', new SessError('MODEL_UNREADABLE', 'it is empty')],
    ['it is a defect', 'auto', new TypeError('a defect')],
  ])('fails where %s', async (_, name, error) => {
    const { gpus, open } = opener()
    await expect(onDevice(name, 1, failing(error), open)).rejects.toBe(error)
    expect(gpus.map((gpu) => gpu.isDisposed)).toEqual([true])
  })

  it('fails once where the processor has no room either', async () => {
    const { open } = opener()
    const error = new SessError('OUT_OF_MEMORY', 'There is no room.')
    const tried: string[] = []
    const use = async ({ device }: OpenedDevice) => {
      tried.push(device.type)
      throw error
    }
    await expect(onDevice('auto', 1, use, open)).rejects.toBe(error)
    expect(tried).toEqual(['cuda', 'cpu'])
  })
})
