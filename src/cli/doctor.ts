import { existsSync } from 'node:fs'
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os'
import { performance } from 'node:perf_hooks'
import sharp from 'sharp'
import type { DeviceInfo } from '../device.ts'
import { SessError } from '../error.ts'
import { encodeJson } from '../io/json.ts'
import { cacheFolder } from '../models/cache.ts'
import { registryIds } from '../models/known-models.ts'
import { resolveModel } from '../models/resolve.ts'
import { printable } from '../printable.ts'
import { version } from '../versions.ts'
import type { CommonArguments } from './arguments.ts'
import type { Context } from './context.ts'

/** One thing looked at. `mend`: what to do about it, where it is not as it should be. */
interface Finding {
  readonly topic: string
  readonly state: 'ok' | 'note' | 'broken'
  readonly facts: Readonly<Record<string, unknown>>
  readonly mend?: string
}

/** `sess doctor`: what is there, one timed self-test, what is wrong and how to mend it. */
export async function doctor(options: CommonArguments, { stdout }: Context): Promise<number> {
  const findings = [
    system(),
    images(),
    await nativeCore(),
    await deviceFindings(),
    await selfTest(),
    await defaultModel(),
    await models(),
  ].flat()
  const healthy = findings.every(({ state }) => state !== 'broken')
  stdout.write(options.json ? `${encodeJson({ healthy, findings })}\n` : findings.map(text).join(''))
  return healthy ? 0 : 1
}

function system(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const old = major < 20 || (major === 20 && minor < 17)
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  return {
    topic: 'system',
    state: old ? 'broken' : 'ok',
    facts: {
      'sess-saliency': version,
      node: process.versions.node,
      platform: `${platform()} ${arch()} ${release()}`,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory: `${gigabytes(freemem())} free of ${gigabytes(totalmem())}`,
    },
    ...(old && { mend: 'Install Node.js 20.17 or newer.' }),
  }
}

function images(): Finding {
  const { sharp: own, vips } = sharp.versions
  return { topic: 'images', state: 'ok', facts: { sharp: own, vips, simd: sharp.simd() } }
}

async function nativeCore(): Promise<Finding> {
  const topic = 'native core'
  try {
    const { runtime, simdVariants } = await import('../native.ts')
    const facts = { onnxruntime: runtime.version, library: runtime.path, simd: simdVariants().join(', ') }
    const [, minor = 0] = runtime.version.split('.').map(Number)
    if (arch() === 'arm64' && minor >= 24 && minor <= 26) {
      const mend = 'ONNX Runtime 1.24 to 1.26 leaks memory on arm64: install onnxruntime-node 1.27 or newer.'
      return { topic, state: 'note', facts, mend }
    }
    return { topic, state: 'ok', facts }
  } catch (error) {
    return broken(topic, error)
  }
}

async function deviceFindings(): Promise<readonly Finding[]> {
  try {
    const { devices } = await import('../device.ts')
    const { defaultDevice } = await import('../options.ts')
    const asked = defaultDevice() // says what is wrong with SESS_DEVICE
    return devices().map((device) => deviceFinding(device, asked))
  } catch (error) {
    return [broken('devices', error)]
  }
}

/** `asked`: the device that every command takes where nothing else is said. */
export function deviceFinding(device: DeviceInfo, asked = 'auto'): Finding {
  if (device.name === 'cuda' && device.available) {
    const { driver, devices } = device
    const found = devices.map(({ name, architecture, memoryBytes, fault }) => {
      const facts = `${name}, compute capability ${architecture}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB`
      return fault === '' ? facts : `${facts} (not used: ${fault})`
    })
    return {
      topic: 'device cuda',
      state: 'ok',
      facts: { available: true, driver: `CUDA ${driver}`, devices: found.join('; ') },
    }
  }
  const { name, available, ...facts } = device
  if (!available && asked.startsWith(name)) {
    const mend = `SESS_DEVICE is ${asked}: unset it, or mend what the reason says.`
    return { topic: `device ${name}`, state: 'broken', facts: { available, ...facts }, mend }
  }
  return { topic: `device ${name}`, state: available ? 'ok' : 'note', facts: { available, ...facts } }
}

/** A Gaussian over a plane of ones is a plane of ones: addon, threads and kernels in one question. */
async function selfTest(): Promise<Finding> {
  const topic = 'self-test'
  const [height, width] = [1080, 1920]
  try {
    const { Device, smooth, Stream, Tensor } = await import('../native.ts')
    const { defaultThreads } = await import('../options.ts')
    const device = new Device({ type: 'cpu', threads: defaultThreads() })
    const stream = new Stream(device)
    try {
      const out = new Float32Array(height * width)
      const from = Tensor.wrap(device, new Float32Array(height * width).fill(1), [height, width])
      const to = Tensor.wrap(device, out, [height, width])
      const start = performance.now()
      await smooth(stream, from, { size: 11, sigma: 5 }, to)
      const ms = performance.now() - start
      from.dispose()
      to.dispose()
      const worst = out.reduce((most, value) => Math.max(most, Math.abs(value - 1)), 0)
      const facts = { test: `Gaussian 11 x 11 over ${width} x ${height}`, ms: Number(ms.toFixed(1)), difference: worst }
      if (worst < 1e-5) return { topic, state: 'ok', facts }
      const mend = 'The native core computes wrong numbers here: reinstall the package and report this output.'
      return { topic, state: 'broken', facts, mend }
    } finally {
      stream.dispose()
      device.dispose()
    }
  } catch (error) {
    return broken(topic, error)
  }
}

/** The model inside the package: there, and the file that its manifest states. */
async function defaultModel(): Promise<Finding> {
  const topic = 'default model'
  try {
    const { id, path, labels = [] } = await resolveModel('tiny200', { absent: 'refuse' })
    return { topic, state: 'ok', facts: { id, path, labels: labels.length } }
  } catch (error) {
    return broken(topic, error)
  }
}

async function models(): Promise<Finding> {
  const ids = await registryIds()
  const cache = cacheFolder()
  const facts = {
    known: `${ids.length} (sess models list)`,
    cache: `${cache}${existsSync(cache) ? '' : ' (not there yet)'}`,
    SESS_CACHE: process.env.SESS_CACHE ?? 'not set',
    SESS_DEVICE: process.env.SESS_DEVICE ?? 'not set',
    SESS_THREADS: process.env.SESS_THREADS ?? 'not set',
  }
  return { topic: 'models', state: 'ok', facts }
}

function broken(topic: string, error: unknown): Finding {
  const code = error instanceof SessError ? error.code : 'INTERNAL'
  const message = error instanceof Error ? error.message : String(error)
  return { topic, state: 'broken', facts: { code }, mend: message }
}

function text({ topic, state, facts, mend }: Finding): string {
  const lines = Object.entries(facts).map(([key, value]) => `  ${key}: ${value}`)
  if (mend !== undefined) lines.push(`  -> ${mend}`)
  const head = `${state === 'broken' ? 'BROKEN' : state.padEnd(6)} ${topic}`
  return [head, ...lines].map((line) => `${printable(line)}\n`).join('')
}
