import { expect, it, vi } from 'vitest'
import { sealsOf } from '../src/bundle/seals.ts'
import { Explainer, verify } from '../src/index.ts'
import { Case, detail, named } from './bundle/case.ts'

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
      `tf32 and fp16 need a CUDA device, and none is used here: ${cudaState().reason}`,
    )
    await expect(Explainer.load('tiny200', { device: 'cuda' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  },
)

it.runIf(cudaFault(cudaState()) !== undefined)(
  'a bundle of a GPU is then verified on the processor, in float32, and it is said why',
  async () => {
    const made = await Case.make()
    const bundle = await made.bundle({}, { device: 'cpu' })
    made.edit((content) => {
      content.device = { type: 'cuda', precision: 'fp16' }
      const { seals: _, ...rest } = content
      content.seals = sealsOf(rest)
    })
    const found = await verify(bundle, { device: 'auto' })
    made.remove()
    expect(found.agrees).toBe(true)
    expect(named(found, 'noted')).toEqual(['device', 'precision'])
    expect(detail(found, 'device')).toContain(`here, cuda in the bundle: ${cudaState().reason}`)
  },
)
