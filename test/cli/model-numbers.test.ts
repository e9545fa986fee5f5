import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notEmulated } from '../cuda/emulated.ts'
import { sess } from './context.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-model-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function modelIn(argv: readonly string[]): Promise<unknown> {
  const file = join(folder, 'numbers.json')
  const { status, stderr } = await sess([...argv, '-o', file])
  expect(status, stderr).toBe(0)
  const { model, runs } = JSON.parse(readFileSync(file, 'utf8'))
  return model ?? runs[0].model
}

const photo = 'docs/photos/both.jpg'
const commands = [
  ['explain', photo, '--scales', '2'],
  ['compare', photo, '--scales', '2', '--methods', 'grad-cam'],
  ['layers', photo],
  ['patches', photo, '--scales', '2'],
]

describe('every .json says what ran the model, and in which precision', () => {
  it.each(commands)('%s', async (...argv) => {
    expect(await modelIn([...argv, '--device', 'cpu', '--threads', '1'])).toMatchObject({
      id: 'tiny200',
      input: { height: 64, width: 64 },
      device: { type: 'cpu', threads: 1 },
      computePrecision: 'fp32',
    })
  })

  it.skipIf(notEmulated).each(['fp32', 'tf32', 'fp16'])('explain on a device, in %s', async (precision) => {
    const argv = ['explain', photo, '--scales', '2', '--device', 'cuda', '--precision', precision]
    expect(await modelIn(argv)).toMatchObject({ device: { type: 'cuda', index: 0 }, computePrecision: precision })
  })
})
