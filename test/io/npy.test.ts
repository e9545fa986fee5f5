import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeNpy as decodePlane, encodeNpy, npyBytes, writeNpy } from '../../src/io/npy.ts'
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

describe('reading an .npy file', () => {
  const whole = (height: number, width: number) => Buffer.concat(encodeNpy(plane(height, width)))
  const edited = (from: string, to: string) =>
    Buffer.from(whole(3, 5).toString('latin1').replace(from, to.padEnd(from.length)), 'latin1')

  it.each([
    [1, 1],
    [3, 5],
    [123, 457],
    [0, 4],
  ])('gives back %i x %i, wherever it lies in memory', (height, width) => {
    const file = whole(height, width)
    expect(file.length).toBeLessThanOrEqual(npyBytes({ height, width }))
    for (const shift of [0, 1, 2, 3]) {
      const moved = new Uint8Array(file.length + shift).subarray(shift)
      moved.set(file)
      expect(decodePlane(moved)).toEqual(plane(height, width))
    }
  })

  it.each(['(1, 0)', '(2, 0)', '(3, 0)'])('takes what NumPy writes in version %s', (version) => {
    const code = `import io, sys, numpy as np
from numpy.lib import format as f
out = io.BytesIO()
f.write_array(out, np.arange(15, dtype="<f4").reshape(3, 5) / 7, version=${version})
sys.stdout.buffer.write(out.getvalue())`
    const made = spawnSync('/usr/bin/python3', ['-W', 'ignore', '-c', code])
    if (made.status !== 0) return expect(String(made.stderr)).toMatch(/No module named/)
    expect(decodePlane(made.stdout)).toEqual(plane(3, 5))
  })

  it.each<[string, () => Uint8Array, RegExp]>([
    ['nothing', () => Buffer.alloc(0), /is no \.npy file/],
    ['a magic number', () => whole(3, 5).subarray(0, 6), /version none/],
    ['version 4', () => Buffer.concat([Buffer.from('\x93NUMPY\x04\x00', 'latin1'), Buffer.alloc(99)]), /version 4/],
    ['half a header', () => whole(3, 5).subarray(0, 40), /no whole header/],
    ['a header of 4 GiB', () => Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\xff    ', 'latin1'), /no whole header/],
    ['a sample too few', () => whole(3, 5).subarray(0, -4), /56 bytes of samples where 3 x 5 needs 60/],
    ['a byte too many', () => Buffer.concat([whole(3, 5), Buffer.alloc(1)]), /61 bytes of samples/],
    ['doubles', () => edited('<f4', '<f8'), /<f8 samples/],
    ['big endian', () => edited('<f4', '>f4'), />f4 samples/],
    ['Fortran order', () => edited('False', 'True'), /not in C order/],
    ['three dimensions', () => edited('(3, 5)', '(1,3,5)'), /no two dimensions/],
    ['one dimension', () => edited('(3, 5)', '(15,)'), /no two dimensions/],
    ['a side below 0', () => edited('(3, 5)', '(-3,5)'), /no two dimensions/],
    ['more samples than there are', () => edited('(3, 5), ', '(99999, 5)'), /where 99999 x 5 needs/],
    ['no description', () => edited("'descr'", "'dtype'"), /holds no samples/],
  ])('refuses %s', (_, file, why) => expect(() => decodePlane(file())).toThrow(why))
})
