import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runtime } from '../../src/native.ts'
import { explainProgram, run, runCases, writeCases } from '../native-cases.ts'

const program = explainProgram('build/test')
const isBuilt = existsSync(program)
if (!isBuilt && process.env.CI) throw new Error(`${program} is not built`)

describe.skipIf(!isBuilt)('an explanation without Node, on the processor', () => {
  let folder: string
  beforeAll(async () => {
    folder = await writeCases(['grad-cam', 'layer-cam', 'gradient'])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const explain = async (name: string, ...options: string[]) =>
    await run(program, [runtime.path, join(folder, name), '--device', 'cpu', '--threads', '2', ...options])

  it.each([
    ['grad-cam', []],
    ['grad-cam', ['--batch', '1']],
    ['grad-cam', ['--batch', '5']],
    ['layer-cam', []],
    ['gradient', []],
    ['gradient', ['--batch', '3']],
  ])("%s %o gives the library's map", async (method, options) => {
    const { status, stdout, stderr } = await explain(`tiny200.${method}.2-scales.case`, '--trials', '0', ...options)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { holds, windows, differences } = JSON.parse(stdout)
    expect({ holds, windows }).toEqual({ holds: true, windows: 6 })
    expect(differences.processor_to_library.largest).toBeLessThanOrEqual(1e-5)
  })

  it('is timed beside the bare model', async () => {
    const { stdout } = await explain('tiny200.grad-cam.2-scales.case', '--trials', '1')
    const { explain_ms, bare_ms, ratio, bare_batch } = JSON.parse(stdout)
    expect(ratio).toBeCloseTo(explain_ms / bare_ms, 3)
    expect([1, 2, 4, 8, 16]).toContain(bare_batch)
  })

  it('fails where the map is another', async () => {
    const map = join(folder, 'tiny200.layer-cam.2-scales.npy')
    const bytes = readFileSync(map)
    writeFileSync(map, Buffer.concat([bytes.subarray(0, 128), Buffer.alloc(bytes.length - 128)]))
    const { status, stdout } = await explain('tiny200.layer-cam.2-scales.case', '--trials', '0')
    expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 1, holds: false })
    writeFileSync(map, bytes)
  })

  it('fails where the class is another', async () => {
    const path = join(folder, 'tiny200.gradient.2-scales.case')
    writeFileSync(join(folder, 'other.case'), readFileSync(path, 'utf8').replace(/^map \d+/m, 'map 7'))
    const { status, stdout } = await explain('other.case', '--trials', '0')
    expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 1, holds: false })
  })

  it.each([
    [['none.case'], 'none.case: cannot be read'],
    [['a.case', 'b.case'], 'gpu_explain LIBRARY FILE.case'],
    [['a.case', '--device', 'tpu'], '--device: "tpu" is none of the choices'],
    [['a.case', '--batch'], '--batch: a word is missing'],
    [['a.case', '--turbo', '1'], '--turbo: there is no such option'],
  ])('refuses %o', async (args, why) => {
    const { status, stderr } = await run(program, [runtime.path, ...args])
    expect(status).toBe(2)
    expect(stderr).toContain(why)
  })
})

describe.skipIf(!isBuilt)('a map in float16', () => {
  let folder: string
  beforeAll(async () => {
    folder = await writeCases(['grad-cam', 'gradient'], 'fp16')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const explain = async (name: string) => {
    const given = ['--device', 'cpu', '--threads', '2', '--trials', '0']
    const { status, stdout } = await run(program, [runtime.path, join(folder, name), ...given])
    return { status, report: JSON.parse(stdout) }
  }

  it.each(['grad-cam', 'gradient'])("of %s is near the library's in float32", async (method) => {
    const { status, report } = await explain(`tiny200.${method}.2-scales.fp16.case`)
    expect({ status, precision: report.precision, holds: report.holds }).toEqual({
      status: 0,
      precision: 'fp16',
      holds: true,
    })
  })

  it.each(['grad-cam', 'gradient'])("of %s fails where it is blank, however small the library's is", async (method) => {
    const file = `tiny200.${method}.2-scales.fp16`
    const bytes = readFileSync(join(folder, `${file}.npy`))
    const header = bytes.subarray(0, bytes.length - 4 * 400 * 600)
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + header.length)).map((value) => value / 1000)
    writeFileSync(join(folder, 'small.npy'), Buffer.concat([header, Buffer.from(values.buffer)]))
    const text = readFileSync(join(folder, `${file}.case`), 'utf8')
    const blank = text.replace(/^fusion (\w+) \S+/m, 'fusion $1 2') // nothing is above theta
    writeFileSync(join(folder, 'blank.case'), blank.replace(/^(map \d+) .*$/m, '$1 small.npy'))
    const { status, report } = await explain('blank.case')
    const { mean, largest } = report.differences.processor_to_library
    expect(largest).toBeCloseTo(
      values.reduce((most, value) => Math.max(most, value)),
      6,
    )
    expect(mean).toBeLessThan(0.001)
    expect({ status, holds: report.holds }).toEqual({ status: 1, holds: false })
  })
})

it('refuses methods that ask about copies of windows, and writes no case', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sess-cases-'))
  const { status, stderr } = await runCases(folder, '--method', 'rise')
  expect(status).toBe(1)
  expect(stderr).toContain('rise asks about copies of windows')
  expect(existsSync(join(folder, 'tiny200.rise.case'))).toBe(false)
  rmSync(folder, { recursive: true })
})
