import { describe, expect, it } from 'vitest'
import { verify } from '../../src/index.ts'
import { bad, Case, detail, named } from '../bundle/case.ts'
import { notEmulated } from './emulated.ts'

describe.skipIf(notEmulated)('a bundle of a device', () => {
  it.each(['fp32', 'tf32', 'fp16'] as const)('is verified there in its own precision: %s', async (precision) => {
    const made = await Case.make()
    const bundle = await made.bundle({}, { device: 'cuda', precision })
    expect(made.read().device).toEqual({ type: 'cuda', precision })
    const there = await verify(bundle)
    const onProcessor = await verify(bundle, { device: 'cpu', tolerance: 0.1 })
    made.remove()
    expect(bad(there)).toEqual([])
    expect(named(there, 'noted')).toEqual([])
    expect(there.map?.maximum).toBe(0)
    expect(bad(onProcessor)).toEqual([])
    expect(detail(onProcessor, 'precision').startsWith('fp32 here')).toBe(precision !== 'fp32')
  })
})
