import { type CudaState, cudaFault, cudaState } from './cuda.ts'
import { SessError } from './error.ts'
import { type CudaDevice, Device, type Simd, simdVariants } from './native.ts'
import { defaultThreads } from './options.ts'

/** A device that explanations could run on, and why it is not used where it is not. */
export type DeviceInfo =
  | { readonly name: 'cpu'; readonly available: true; readonly threads: number; readonly simd: Simd }
  | {
      readonly name: 'cuda'
      readonly available: true
      /** CUDA version of the driver. */
      readonly driver: string
      readonly devices: readonly CudaDevice[]
    }
  | { readonly name: 'cuda'; readonly available: false; readonly reason: string }

/** What is there, and why what is missing is not used. */
export function devices(): readonly DeviceInfo[] {
  const simd = simdVariants().at(-1) ?? 'baseline'
  return [{ name: 'cpu', available: true, threads: defaultThreads(), simd }, describeCuda(cudaState())]
}

export function describeCuda(state: CudaState): DeviceInfo {
  const reason = cudaFault(state)
  if (reason !== undefined) return { name: 'cuda', available: false, reason }
  return { name: 'cuda', available: true, driver: state.driver, devices: state.devices }
}

/** Bytes of a CUDA device's memory. */
export function memoryOf({ index }: Device): number {
  return cudaState().devices[index]?.memoryBytes ?? 0
}

/** An open device; `fallback` says why it is not the GPU that the machine has. */
export interface OpenedDevice {
  readonly device: Device
  readonly fallback?: string
}

/** What an explainer runs on. `fallback`: why `auto` did not take the GPU that the machine has. */
export type ExplainerDevice =
  | { readonly type: 'cpu'; readonly threads: number; readonly simd: string; readonly fallback?: string }
  | { readonly type: 'cuda'; readonly index: number }

export function describeDevice({ device, fallback }: OpenedDevice): ExplainerDevice {
  const { type, index, threads, simd } = device
  if (type === 'cuda') return { type, index }
  return { type, threads, simd, ...(fallback !== undefined && { fallback }) }
}

/** Why the processor serves where a GPU would have been taken; undefined on a GPU, and where it was not to be. */
export function whyNoGpu(asked: string, used: ExplainerDevice): string | undefined {
  if (used.type === 'cuda' || asked === 'cpu') return undefined
  return used.fallback ?? cudaFault(cudaState())
}

/**
 * What `use` gives on the device of that name, which is disposed where it fails. Where `auto` took a GPU that then cannot
 * be opened or used, or has no room, the processor serves instead.
 * @throws SessError `DEVICE_UNAVAILABLE`, and what `use` throws
 */
export async function onDevice<T>(
  name: string,
  threads: number,
  use: (opened: OpenedDevice) => Promise<T>,
  open: (name: string, threads: number) => OpenedDevice = openDevice,
): Promise<T> {
  let onProcessor = name === 'cpu'
  try {
    const opened = open(name, threads)
    onProcessor = opened.device.type === 'cpu'
    return await use(opened).catch((error) => {
      opened.device.dispose()
      throw error
    })
  } catch (error) {
    if (name !== 'auto' || onProcessor || !isFaultOfDevice(error)) throw error
    const reason = error.message.replace(/\s+/g, ' ').replace(/[\s.]+$/, '')
    return await onDevice('cpu', threads, ({ device }) => use({ device, fallback: reason }), open)
  }
}

function isFaultOfDevice(error: unknown): error is SessError {
  return error instanceof SessError && (error.code === 'DEVICE_UNAVAILABLE' || error.code === 'OUT_OF_MEMORY')
}

/**
 * Opens the device by its name: `auto` is the first CUDA device that can be used, else the processor.
 * @throws SessError `DEVICE_UNAVAILABLE`
 */
export function openDevice(name: string, threads: number): OpenedDevice {
  const cpu = () => new Device({ type: 'cpu', threads })
  if (name === 'cpu') return { device: cpu() }
  const state = cudaState()
  const fault = cudaFault(state)
  if (name === 'auto') {
    const index = state.devices.findIndex((device) => device.fault === '')
    if (fault === undefined && index >= 0) return { device: new Device({ type: 'cuda', index, threads }) }
    // A machine without a driver has no GPU to speak of.
    return { device: cpu(), ...(state.driver !== '' && fault !== undefined && { fallback: fault }) }
  }
  if (fault !== undefined) {
    throw new SessError('DEVICE_UNAVAILABLE', `${name} cannot be used: ${fault}. Take --device auto or cpu.`)
  }
  return { device: new Device({ type: 'cuda', index: Number(name.split(':')[1] ?? 0), threads }) }
}
