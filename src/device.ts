import { SessError } from './error.ts'
import { Device, type Simd, simdVariants } from './native.ts'
import { defaultThreads } from './options.ts'

/** A device that explanations could run on, and why it is not used where it is not. */
export type DeviceInfo =
  | { readonly name: 'cpu'; readonly available: true; readonly threads: number; readonly simd: Simd }
  | { readonly name: 'cuda'; readonly available: false; readonly reason: string }

const noCuda = 'this build of the native addon has no CUDA backend'

/** What is there, and why what is missing is not used. */
export function devices(): readonly DeviceInfo[] {
  const simd = simdVariants().at(-1) ?? 'baseline'
  return [
    { name: 'cpu', available: true, threads: defaultThreads(), simd },
    { name: 'cuda', available: false, reason: noCuda },
  ]
}

/**
 * Opens the device by its name: `auto` is the best there is.
 * @throws SessError `DEVICE_UNAVAILABLE`
 */
export function openDevice(name: string, threads: number): Device {
  if (name.startsWith('cuda')) {
    throw new SessError('DEVICE_UNAVAILABLE', `${name} cannot be used: ${noCuda}. Take --device auto or cpu.`)
  }
  return new Device({ type: 'cpu', threads })
}
