import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeNpy, writeNpy } from '../../src/io/npy.ts'
import { shared, sharedMissing } from '../shared.ts'
import { decodeNpy } from './npy.ts'

const plane = (height: number, width: number) => ({
  data: Float32Array.from({ length: height * width }, (_, i) => i / 7),
  height,
  width,
})

describe('an .npy file', () => {
  it.each([
    [1, 1],
    [3, 5],
    [1, 2000],
    [123, 4567],
  ])('of %i x %i has its samples aligned and reads back', (height, width) => {
    const map = plane(height, width)
    const [header, samples] = encodeNpy(map)
    expect(header.length % 64).toBe(0)
    expect([...header.subarray(6, 8)]).toEqual([1, 0])
    expect(header.at(-1)).toBe(10)
    const back = decodeNpy(Buffer.concat([header, samples]))
    expect(back).toMatchObject({ shape: [height, width], descr: '<f4' })
    expect(back.data).toEqual(map.data)
  })

  it('shares the memory of the map, a view of a larger buffer too', () => {
    const all = new Float32Array(10)
    const data = all.subarray(3, 7)
    const [, samples] = encodeNpy({ data, height: 2, width: 2 })
    expect(samples.buffer).toBe(all.buffer)
    expect([samples.byteOffset, samples.byteLength]).toEqual([12, 16])
  })

  it('does not come of a shape that the samples do not have', () => {
    expect(() => encodeNpy({ data: new Float32Array(5), height: 2, width: 3 })).toThrow(RangeError)
  })

  it('is what numpy.load reads', async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-npy-'))
    const path = join(folder, 'map.npy')
    await writeNpy(path, plane(3, 5))
    expect(readdirSync(folder)).toEqual(['map.npy'])
    const script = `import numpy as np; a = np.load(${JSON.stringify(path)}); print(a.dtype, a.shape, a.flags.c_contiguous, float(a[2, 4]))`
    const python = spawnSync('python3', ['-c', script], { encoding: 'utf8' })
    const size = readFileSync(path).length
    rmSync(folder, { recursive: true })
    expect(size).toBe(128 + 60)
    if (python.status !== 0) skip('python3 with numpy is not installed')
    expect(python.stdout.trim()).toBe('float32 (3, 5) True 2.0')
  })

  it.skipIf(sharedMissing)('written by numpy is read by the reader of these tests', () => {
    const golden = decodeNpy(readFileSync(shared('golden/gradcam_airplane.map.npy')))
    expect(golden.shape).toHaveLength(2)
    expect(golden.data.length).toBe((golden.shape[0] ?? 0) * (golden.shape[1] ?? 0))
    expect(Math.max(...golden.data.subarray(0, 1000))).toBeLessThanOrEqual(1)
  })
})
