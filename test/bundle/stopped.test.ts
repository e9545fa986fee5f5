import { existsSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verify } from '../../src/bundle/verify.ts'
import { Explainer } from '../../src/explainer.ts'
import type { Explanation } from '../../src/explanation.ts'
import { sha256Of } from '../../src/models/checksum.ts'
import { modelBytes, randomTensor } from '../onnx/models.ts'
import { Case, spec } from './case.ts'

let made: Case
let explanation: Explanation
beforeAll(async () => {
  made = await Case.make()
  const unused = randomTensor('unused', [6, 2 ** 20]) // hashing takes a while
  made.write('small.onnx', modelBytes({ ...spec, tensors: [...(spec.tensors ?? []), unused] }))
  const explainer = await Explainer.load(made.at('small.onnx'))
  explanation = await explainer.explain(made.at('photo.png'), { scales: 1 })
  await explainer.dispose()
  await explanation.toBundle(made.at('out.sess'))
})
afterAll(() => made.remove())

/** The error's code; undefined where the work was done first. */
async function stopped(ms: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const controller = new AbortController()
  const outcome = work(controller.signal).then(
    () => undefined,
    (error) => error.code ?? error,
  )
  await after(ms)
  controller.abort()
  return await outcome
}

describe('what is stopped at any moment', () => {
  const moments = Array.from({ length: 31 }, (_, i) => 2 * i)

  it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['hashing a file', (signal) => sha256Of(made.at('small.onnx'), signal)],
    ['verify', (signal) => verify(made.at('out.sess'), { signal })],
    ['writing a bundle', (signal) => explanation.toBundle(made.at('other.sess'), { signal })],
  ])('is ABORTED or done: %s', async (_, work) => {
    const codes: unknown[] = []
    for (const ms of moments) codes.push(await stopped(ms, work))
    expect(codes[0]).toBe('ABORTED')
    expect(codes.filter((code) => code !== 'ABORTED' && code !== undefined)).toEqual([])
  })

  it('leaves no half bundle', async () => {
    expect(await stopped(0, (signal) => explanation.toBundle(made.at('none.sess'), { signal }))).toBe('ABORTED')
    expect(existsSync(made.at('none.sess'))).toBe(false)
  })
})
