import { expect, it, vi } from 'vitest'
import { Explainer } from '../src/index.ts'

const { cudaFault, cudaState } = await vi.importActual<typeof import('../src/cuda.ts')>('../src/cuda.ts')

vi.mock('../src/cuda.ts', () => {
  const gpu = { name: 'a GPU', architecture: '9.0', memoryBytes: 2 ** 36, fault: '' }
  const provider = { path: '/ort/libonnxruntime_providers_cuda.so', isThere: true }
  const state = { driver: '13.0', runtime: '13.0', devices: [gpu], reason: '', provider, missing: [] }
  return { cudaState: () => state, cudaFault: () => undefined }
})

it.runIf(cudaFault(cudaState()) !== undefined)(
  'auto takes the processor where a GPU that was found cannot be opened, and says why',
  async () => {
    const explainer = await Explainer.load('tiny200', { device: 'auto' })
    expect(explainer.info.device).toMatchObject({ type: 'cpu', fallback: cudaState().reason })
    await explainer.dispose()
    await expect(Explainer.load('tiny200', { device: 'auto', precision: 'tf32' })).rejects.toThrow(
      `the GPU is not used: ${cudaState().reason}`,
    )
    await expect(Explainer.load('tiny200', { device: 'cuda' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  },
)
