import { Device } from './native.ts'
import { defaultThreads } from './options.ts'

/** Runs `work` on a processor device of its own. */
export async function withProcessor<T>(work: (device: Device) => Promise<T>): Promise<T> {
  const device = new Device({ type: 'cpu', threads: defaultThreads() })
  try {
    return await work(device)
  } finally {
    device.dispose()
  }
}
